//! As much TOML as rule files of KumoMTA use.

use crate::tune::csv::shortened;
use crate::tune::import::Import;

/// A class and its regexes.
pub(super) struct Entry {
    pub(super) class: String,
    pub(super) line: usize,
    /// Each with its line.
    pub(super) regexes: Vec<(usize, String)>,
}

/// The entries of the table `rules`. After something that cannot be read, reading goes on with the next line.
pub(super) fn entries(text: &str, import: &mut Import) -> Vec<Entry> {
    let mut reader = Reader { rest: text, line: 1 };
    let mut entries = Vec::new();
    let mut in_rules = false;
    loop {
        reader.skip_space();
        let line = reader.line;
        let read = match reader.peek() {
            None => return entries,
            Some('[') => reader.table().map(|table| in_rules = table == "rules"),
            Some(_) => reader.entry(in_rules).map(|entry| entries.extend(entry)),
        };
        if let Err(problem) = read.and_then(|()| reader.end_of_line()) {
            import.problem(line.max(reader.line), problem);
            reader.skip_line();
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn take(&mut self, text: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(text) else { return false };
        self.rest = rest;
        self.line += text.matches('\n').count();
        true
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(c) = self.peek().filter(|c| fits(*c)) {
            taken.push(c);
            self.next();
        }
        taken
    }

    fn skip_line(&mut self) {
        self.take_while(|c| c != '\n');
        self.next();
    }

    fn skip_blanks(&mut self) {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\r'));
    }

    /// Space, ends of lines and comments.
    fn skip_space(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if self.peek() != Some('#') {
                return;
            }
            self.skip_line();
        }
    }

    fn end_of_line(&mut self) -> Result<(), String> {
        self.skip_blanks();
        match self.peek() {
            None => Ok(()),
            Some('\n' | '#') => {
                self.skip_line();
                Ok(())
            }
            Some(c) => Err(format!("unexpected `{c}`; expected the end of the line")),
        }
    }

    /// `[rules]`.
    fn table(&mut self) -> Result<String, String> {
        self.next();
        self.skip_blanks();
        let name = self.key()?;
        self.skip_blanks();
        if self.take("]") { Ok(name) } else { Err("expected `]` after the name of a table".to_owned()) }
    }

    /// `Class = "regex"` or `Class = ["regex", ...]`, in the table `rules` or as `rules.Class`.
    fn entry(&mut self, in_rules: bool) -> Result<Option<Entry>, String> {
        let line = self.line;
        let mut class = self.key()?;
        let mut belongs = in_rules;
        self.skip_blanks();
        if self.take(".") {
            belongs = class == "rules" && !in_rules;
            self.skip_blanks();
            class = self.key()?;
            self.skip_blanks();
        }
        if !self.take("=") {
            return Err(format!("expected `=` after `{}`", shortened(&class)));
        }
        self.skip_blanks();
        let regexes = if self.take("[") { self.list()? } else { vec![(self.line, self.string()?)] };
        Ok(belongs.then_some(Entry { class, line, regexes }))
    }

    fn key(&mut self) -> Result<String, String> {
        match self.peek() {
            Some('"' | '\'') => self.string(),
            _ => {
                let key = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
                let found = self.peek().map_or_else(|| "the end".to_owned(), |c| format!("`{c}`"));
                if key.is_empty() { Err(format!("expected a name, found {found}")) } else { Ok(key) }
            }
        }
    }

    /// After `[`.
    fn list(&mut self) -> Result<Vec<(usize, String)>, String> {
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.take("]") {
                return Ok(items);
            }
            let line = self.line;
            items.push((line, self.string()?));
            self.skip_space();
            if !self.take(",") && self.peek() != Some(']') {
                return Err("expected `,` or `]` after a regex of a list".to_owned());
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if self.take("\"\"\"") {
            self.take("\n");
            return self.basic("\"\"\"");
        }
        if self.take("'''") {
            self.take("\n");
            return self.until("'''");
        }
        match self.next() {
            Some('"') => self.basic("\""),
            Some('\'') => self.until("'"),
            other => {
                let found =
                    other.map_or_else(|| "the end".to_owned(), |c| format!("`{}`", c.escape_default()));
                Err(format!("expected a text in quotation marks, found {found}"))
            }
        }
    }

    /// A text without escapes.
    fn until(&mut self, end: &str) -> Result<String, String> {
        let mut text = String::new();
        while !self.take(end) {
            text.push(self.within(end)?);
        }
        Ok(text)
    }

    /// A text with escapes.
    fn basic(&mut self, end: &str) -> Result<String, String> {
        let mut text = String::new();
        while !self.take(end) {
            match self.within(end)? {
                '\\' => text.extend(self.escape()?),
                c => text.push(c),
            }
        }
        Ok(text)
    }

    /// The next character of a text; only texts in three quotation marks go over lines.
    fn within(&mut self, end: &str) -> Result<char, String> {
        match self.peek() {
            Some('\n') if end.len() == 1 => Err(format!("expected `{end}` before the end of the line")),
            Some(c) => {
                self.next();
                Ok(c)
            }
            None => Err(format!("expected `{end}` before the end of the file")),
        }
    }

    /// After a backslash; at the end of a line it takes away the space that follows.
    fn escape(&mut self) -> Result<Option<char>, String> {
        let c = self.next().ok_or("expected an escape after `\\`, found the end")?;
        Ok(Some(match c {
            '"' | '\\' | '/' => c,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => self.unicode(4)?,
            'U' => self.unicode(8)?,
            '\n' => {
                self.take_while(char::is_whitespace);
                return Ok(None);
            }
            other => {
                return Err(format!(
                    "`\\{other}` is not an escape of TOML; expected `\\\\{other}` for a regex"
                ));
            }
        }))
    }

    fn unicode(&mut self, digits: usize) -> Result<char, String> {
        let code: String = self.rest.chars().take(digits).filter(char::is_ascii_hexdigit).collect();
        let c = u32::from_str_radix(&code, 16).ok().filter(|_| code.len() == digits).and_then(char::from_u32);
        self.take(&code);
        c.ok_or_else(|| format!("expected {digits} hexadecimal digits of a character after `\\u`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut import = Import::default();
        let entries = entries(text, &mut import);
        let told = entries.iter().map(|entry| {
            let regexes: Vec<String> = entry.regexes.iter().map(|(line, r)| format!("{line}:{r}")).collect();
            format!("{}={}", entry.class, regexes.join(","))
        });
        let told: Vec<String> = told.chain(import.problems.iter().map(ToString::to_string)).collect();
        assert_eq!(told.join("; "), expected, "{text}");
    }

    #[test]
    fn reads_strings_and_lists() {
        check("[rules]\nA = 'x'", "A=2:x");
        check("[rules]\r\nA = 'x'\r\n", "A=2:x");
        check("[ rules ] # c\nA=[]\n", "A=");
        check("[rules]\nA = [ # c\n 'x' , # d\n \"y\"\n]", "A=3:x,4:y");
        check(r#"rules.A = "a\\.b\u0041\"""#, r#"A=1:a\.bA""#);
        check("[rules]\nA = '''\na'b''' # c", "A=2:a'b");
        check("[rules]\nA = \"\"\"a\\\n   b\"\"\"", "A=2:ab");
        check("A = 'x'\n[other]\nB = 'x'", "");
    }

    #[test]
    fn goes_on_after_a_problem() {
        check("[rules]\nA = 5\nB = 'x'", "B=3:x; line 2: expected a text in quotation marks, found `5`");
        check("[rules\nA = 'x'", "line 1: expected `]` after the name of a table");
        check("[rules]\nA 'x'\n", "line 2: expected `=` after `A`");
        check("[rules]\nA = 'x\nB = 'y'", "B=3:y; line 2: expected `'` before the end of the line");
        check("[rules]\nA = ['x' 'y']", "line 2: expected `,` or `]` after a regex of a list");
        check("[rules]\nA = 'x' y", "A=2:x; line 2: unexpected `y`; expected the end of the line");
        check(r#"rules.A = "\d""#, r"line 1: `\d` is not an escape of TOML; expected `\\d` for a regex");
        check("[rules]\n= 'x'", "line 2: expected a name, found `=`");
        check("[rules]\nA = \"\"\"x", "line 2: expected `\"\"\"` before the end of the file");
        check("[rules]\nA = \"\\u00g1\"", "line 2: expected 4 hexadecimal digits of a character after `\\u`");
    }
}
