//! Text in markup, and the parts of a page that need no drawing.

use std::fmt;

use super::super::tables::Table;

/// Text that no markup can break out of: nothing in it is a tag, an entity or the end of an attribute.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            // XML has no place for these (XML 1.0 section 2.2), not even as references.
            '\t' | '\n' | '\r' => f.write_str(" "),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}"),
            other => write!(f, "{other}"),
        })
    }
}

/// A table; its first column names the rows.
pub(super) fn table(table: &Table) -> String {
    let titles = table.titles.iter().map(|title| format!("<th scope=\"col\">{}</th>", Text(title)));
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter().enumerate().map(|(index, cell)| match index {
            0 => format!("<th scope=\"row\">{}</th>", Text(cell)),
            _ => format!("<td>{}</td>", Text(cell)),
        });
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    });
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table>\n\
         <caption>{caption}</caption>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        caption = Text(&table.caption),
        titles = titles.collect::<String>(),
        rows = rows.collect::<String>(),
    )
}

/// A table that is there for those who ask for it.
pub(super) fn folded(title: &str, inside: &str) -> String {
    format!("<details><summary>{}</summary>\n{inside}</details>\n", Text(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_does_not_break_out() {
        let written = Text("<script>\"a\" & 'b'\u{0}\u{1b}[31m</script>\n").to_string();
        let expected = "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\u{fffd}\u{fffd}[31m&lt;/script&gt; ";
        assert_eq!(written, expected);
    }
}
