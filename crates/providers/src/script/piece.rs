//! A piece of a script that knows where in the script it stands.

use super::ScriptError;

/// A part of the script's text and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// Octets before it.
    pub(super) offset: usize,
    /// Its text.
    pub(super) text: &'a str,
}

impl<'a> Piece<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { offset: 0, text }
    }

    /// This piece without its first `octets`, which must end at a character's end; nothing if it is shorter.
    pub(super) fn skip(self, octets: usize) -> Self {
        let octets = octets.min(self.text.len());
        Self { offset: self.offset + octets, text: self.text.get(octets..).unwrap_or("") }
    }

    /// The first `octets` of this piece.
    pub(super) fn head(self, octets: usize) -> Self {
        Self { offset: self.offset, text: self.text.get(..octets).unwrap_or(self.text) }
    }

    /// Without white space around it.
    pub(super) fn trim(self) -> Self {
        let start = self.text.trim_start();
        Self { offset: self.offset + (self.text.len() - start.len()), text: start.trim_end() }
    }

    /// The pieces between separators (an ASCII octet), not looking into double quotes.
    pub(super) fn split(self, separator: u8) -> Result<Vec<Self>, ScriptError> {
        self.divide(|octet| octet == separator)
    }

    /// The words between white space; a text in double quotes belongs to one word.
    pub(super) fn words(self) -> Result<Vec<Self>, ScriptError> {
        let mut words = self.divide(|octet| octet.is_ascii_whitespace())?;
        words.retain(|word| !word.text.is_empty());
        Ok(words)
    }

    fn divide(self, separates: impl Fn(u8) -> bool) -> Result<Vec<Self>, ScriptError> {
        let mut pieces = Vec::new();
        let mut start = 0;
        let mut quote = None;
        for (at, octet) in self.text.bytes().enumerate() {
            if octet == b'"' {
                quote = if quote.is_none() { Some(at) } else { None };
            } else if quote.is_none() && separates(octet) {
                pieces.push(self.skip(start).head(at - start));
                start = at + 1;
            }
        }
        if let Some(at) = quote {
            return Err(self.skip(at).error("a closing `\"`"));
        }
        pieces.push(self.skip(start));
        Ok(pieces)
    }

    /// The text without its double quotes.
    pub(super) fn unquoted(self) -> String {
        self.text.replace('"', "")
    }

    /// An error at this place.
    pub(super) fn error(self, expected: impl Into<String>) -> ScriptError {
        let found = self.text.chars().take(40).collect();
        ScriptError { offset: self.offset, found, expected: expected.into() }
    }
}
