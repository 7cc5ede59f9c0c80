import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { xhtmlProblem } from './xhtml.ts';

const div = (inner: string, attributes = ''): string => `<div xmlns="http://www.w3.org/1999/xhtml"${attributes}>${inner}</div>`;

describe('narrative', () => {
	it('may be formatted, linked and illustrated', () => {
		for (const text of [
			div('a'),
			` \n${div('a')}\n`,
			div('<p class="x" style="color: red">a <b>b</b><br/>c</p>', ' lang="en" xml:lang="en"'),
			div('<table border="1"><thead><tr><th colspan="2">h</th></tr></thead><tbody><tr><td>1</td><td >2</td></tr></tbody></table>'),
			div('<a href="http://example.org/?a=1&amp;b=2" title=\'x\'>link</a> <a name="here"/>'),
			div('<img src="#photo" alt="x"/>'),
			div('5 &lt; 6 &amp;&nbsp;&#169; &#xA9; &eacute; > 3'),
			div('<!-- a <script> that is none --><ul><li>a</li></ul>'),
			'<div xmlns=\'http://www.w3.org/1999/xhtml\'><div xmlns="http://www.w3.org/1999/xhtml">a</div></div>',
		])
			assert.equal(xhtmlProblem(text), undefined, text);
	});

	it('may not run, load or break anything', () => {
		const wrong: readonly (readonly [string, RegExp])[] = [
			['', /no <div>/],
			['text', /outside/],
			['<p xmlns="http://www.w3.org/1999/xhtml">a</p>', /root/],
			['<div>a</div>', /namespace/],
			['<div xmlns="http://www.w3.org/1999/html">a</div>', /namespace/],
			[div('<p xmlns="http://example.org">a</p>'), /namespace/],
			[div(''), /nothing/],
			[div(' \n<p> </p>'), /nothing/],
			[div('a') + div('b'), /follows/],
			[`${div('a')} x`, /follows/],
			[div('<p>a'), /match/],
			[div('<b><i>a</b></i>'), /match/],
			['<div xmlns="http://www.w3.org/1999/xhtml">a', /not closed/],
			[div('<script>alert(1)</script>'), /<script>/],
			[div('<SCRIPT>alert(1)</SCRIPT>'), /neither/],
			...[
				'head',
				'body',
				'style',
				'form',
				'input',
				'button',
				'iframe',
				'frame',
				'object',
				'embed',
				'link',
				'base',
				'meta',
				'font',
				'svg',
				'video',
			].map((name) => [div(`<${name}>a</${name}>`), new RegExp(`<${name}>`)] as const),
			[div('<p onclick="x()">a</p>'), /onclick/],
			[div('<p onClick="x()">a</p>'), /onClick/],
			[div('<a href="javascript:x()">a</a>'), /script/],
			[div('<a href=" java\nscript:x()">a</a>'), /script/],
			[div('<a href="&#106;avascript&#58;x()">a</a>'), /script/],
			[div('<img src="vbscript:x" />'), /script/],
			[div('<p class=a>a</p>'), /well-formed/],
			[div('<p class>a</p>'), /well-formed/],
			[div('<p class="a" class="b">a</p>'), /twice/],
			[div('<p title="<">a</p>'), /well-formed/],
			[div('a & b'), /stands alone/],
			[div('&nosuch;'), /&nosuch;/],
			[div('<a title="&x;">a</a>'), /&x;/],
			[div('<![CDATA[a]]>'), /neither/],
			[div('<?php a ?>'), /neither/],
			[`<!DOCTYPE div [<!ENTITY x SYSTEM "file:///etc/passwd">]>${div('&x;')}`, /neither/],
			[div('<!-- a'), /comment/],
			[div('a < b'), /neither/],
		];
		for (const [text, reason] of wrong) assert.match(xhtmlProblem(text) ?? 'fine', reason, text);
	});
});
