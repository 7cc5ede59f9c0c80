-- A consent that was not asked for, because the same person had given it to the same app before (prompt=none).
ALTER TABLE oauth.consent ADD COLUMN silent boolean NOT NULL DEFAULT false;
