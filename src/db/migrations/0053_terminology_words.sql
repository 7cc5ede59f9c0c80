-- The words of each code system that begin with no digit or sign, so that the beginning of a word that somebody types is looked up as the few
-- whole words that begin so: an index of words finds whole words, together, many times faster than beginnings. See src/fhir/terminology/README.md.
CREATE TABLE terminology.word (
	system int4 NOT NULL,
	word text COLLATE "C" NOT NULL,
	-- Concepts that have it.
	concepts int4 NOT NULL,
	PRIMARY KEY (system, word)
);
INSERT INTO terminology.word (system, word, concepts)
	SELECT split_part(word, '/', 1)::int4, substr(word, strpos(word, '/') + 1), ndoc
	FROM ts_stat('SELECT words FROM terminology.concept')
	WHERE substr(word, strpos(word, '/') + 1) !~ '^[0-9%+<>=]';
