//! HTML to text for people, as far as finding addresses and replies in it needs: no tags, no styles, blocks on lines
//! of their own. One pass, whatever is broken.

/// Elements whose content nobody sees.
const HIDDEN: [&str; 5] = ["script", "style", "head", "title", "template"];
/// Elements that begin and end a line.
const BLOCKS: [&str; 20] = [
    "br",
    "p",
    "div",
    "tr",
    "li",
    "ul",
    "ol",
    "dt",
    "dd",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "pre",
    "blockquote",
    "body",
];
/// Longest tag name and entity that are looked at, in octets.
const MAX_NAME: usize = 16;

/// The text of a document; white space collapses outside of `pre`.
pub(super) fn to_text(html: &str) -> String {
    let mut out = Text { out: String::with_capacity(html.len() / 2), space: false, pre: false };
    let mut rest = html;
    while !rest.is_empty() {
        let end = memchr::memchr2(b'<', b'&', rest.as_bytes()).unwrap_or(rest.len());
        out.text(&rest[..end]);
        rest = &rest[end..];
        rest = match rest.as_bytes().first() {
            Some(b'&') => entity(rest, &mut out),
            Some(b'<') => tag(rest, &mut out),
            Some(_) | None => "",
        };
    }
    out.out
}

struct Text {
    out: String,
    /// White space was left out since the last character.
    space: bool,
    /// Inside of `pre`.
    pre: bool,
}

impl Text {
    fn text(&mut self, text: &str) {
        if self.pre {
            self.out.push_str(text);
            return;
        }
        for (at, word) in text.split(|c: char| c.is_ascii_whitespace()).enumerate() {
            self.space |= at > 0;
            if !word.is_empty() {
                self.separate();
                self.out.push_str(word);
            }
        }
    }

    fn separate(&mut self) {
        if self.space && !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push(' ');
        }
        self.space = false;
    }

    fn line(&mut self) {
        self.space = false;
        // Two empty lines say no more than one.
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }
}

/// Takes an entity; anything else that begins with `&` is text.
fn entity<'a>(rest: &'a str, out: &mut Text) -> &'a str {
    let window = &rest.as_bytes()[..rest.len().min(MAX_NAME)];
    let named = memchr::memchr(b';', window).and_then(|end| Some((end, decode(rest.get(1..end)?)?)));
    let (length, text) = match named {
        Some((end, c)) => (end + 1, c),
        None => (1, '&'),
    };
    if text == '\u{a0}' && out.pre {
        out.out.push(' ');
    } else if text == '\u{a0}' {
        out.space = true;
    } else {
        out.separate();
        out.out.push(text);
    }
    &rest[length..]
}

fn decode(name: &str) -> Option<char> {
    const NAMED: [(&str, char); 30] = [
        ("lt", '<'),
        ("gt", '>'),
        ("amp", '&'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("copy", '©'),
        ("auml", 'ä'),
        ("ouml", 'ö'),
        ("uuml", 'ü'),
        ("Auml", 'Ä'),
        ("Ouml", 'Ö'),
        ("Uuml", 'Ü'),
        ("szlig", 'ß'),
        ("eacute", 'é'),
        ("egrave", 'è'),
        ("ecirc", 'ê'),
        ("agrave", 'à'),
        ("acirc", 'â'),
        ("ccedil", 'ç'),
        ("iacute", 'í'),
        ("oacute", 'ó'),
        ("uacute", 'ú'),
        ("aacute", 'á'),
        ("ntilde", 'ñ'),
        ("atilde", 'ã'),
        ("otilde", 'õ'),
        ("rsquo", '’'),
        ("ndash", '–'),
        ("commat", '@'),
    ];
    match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
        None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c),
    }
}

/// Takes a tag, a comment, or a hidden element with its content; a `<` that begins none of these is text.
fn tag<'a>(rest: &'a str, out: &mut Text) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return after(comment, "-->");
    }
    let inner = &rest[1..];
    let (closes, named) = inner.strip_prefix('/').map_or((false, inner), |named| (true, named));
    let length = named.bytes().take(MAX_NAME).take_while(u8::is_ascii_alphanumeric).count();
    let name = &named[..length];
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) && !inner.starts_with(['!', '?']) {
        out.separate();
        out.out.push('<');
        return inner;
    }
    // `<a@example.com>` is an address that somebody forgot to escape.
    let Some(end) = memchr::memchr(b'>', named.as_bytes()) else { return "" };
    let is_address =
        !closes && named[length..end].starts_with(['@', '.', '+', '_', '-']) && named[..end].contains('@');
    if is_address {
        out.separate();
        out.out.push_str(&rest[..end + 2]);
        return &named[end + 1..];
    }
    let is = |known: &&str| name.eq_ignore_ascii_case(known);
    if BLOCKS.iter().any(is) {
        out.line();
        if name.eq_ignore_ascii_case("pre") {
            out.pre = !closes;
        }
    } else if name.eq_ignore_ascii_case("td") {
        out.space = true;
    }
    let after_tag = &named[end + 1..];
    match HIDDEN.iter().find(|known| is(known)) {
        Some(hidden) if !closes => after_element(after_tag, hidden),
        Some(_) | None => after_tag,
    }
}

/// What follows this mark; nothing if it is not there.
fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    memchr::memmem::find(text.as_bytes(), mark.as_bytes()).map_or("", |at| &text[at + mark.len()..])
}

/// What follows the end tag of this element; nothing if it has none. A `head` without an end ends where the body
/// begins.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    for at in memchr::memchr_iter(b'<', text.as_bytes()) {
        let tag = &text.as_bytes()[at + 1..];
        let is = |tag: &[u8], name: &str| {
            tag.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name.as_bytes()))
        };
        if let [b'/', end @ ..] = tag
            && is(end, name)
        {
            return after(&text[at..], ">");
        }
        if name == "head" && is(tag, "body") {
            return &text[at..];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(to_text(html), expected, "{html}");
    }

    #[test]
    fn text_without_tags() {
        check("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree\n");
        check("a <b>b</b>\n c", "a b c");
        check("<html><head><title>x</title></head><body>y", "y");
        check("<style>p { a > b }</style>x<script>if (a < b) {}</script>y", "xy");
        check("x<!-- <p>no</p> -->y", "xy");
        check(
            "&lt;a@example.com&gt; &amp; caf&eacute;&#33;&#x21; a&nbsp;b &unknown; &",
            "<a@example.com> & café!! a b &unknown; &",
        );
        check("<tr><td>a</td><td>b</td></tr>", "a b\n");
        check("<pre>a\n  b&nbsp;c</pre>d", "a\n  b c\nd");
        check("<a href=\"mailto:b@example.com\">a@example.com</a>", "a@example.com");
        check("<a@example.com>: 1 < 2", "<a@example.com>: 1 < 2");
    }

    #[test]
    fn broken_html() {
        check("x<p", "x");
        check("x<!-- y", "x");
        check("<head>x<body>y", "y");
        check("<script>x", "");
        check("&#xffffffff;&#55296;", "&#xffffffff;&#55296;");
        check("<<<", "<<<");
        check("</>", "</>");
        check("", "");
    }

    proptest! {
        #[test]
        fn any_html_is_read(html in "(<|>|&|;|/|!|-|<!--|-->|<p |<head>|<body|</script>|<script>|é|a|#x|@| ){0,60}") {
            let _ = to_text(&html);
        }
    }
}
