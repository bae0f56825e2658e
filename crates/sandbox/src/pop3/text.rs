//! A mail on its way to a POP3 client: CRLF, stuffed dots, the final dot.

/// The whole answer to RETR, or to TOP if a number of `lines` of the body is given.
pub(super) fn reply(content: &[u8], lines: Option<u64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 64);
    match lines {
        None => out.extend_from_slice(format!("+OK {} octets\r\n", content.len()).as_bytes()),
        Some(_) => out.extend_from_slice(b"+OK the top follows\r\n"),
    }
    let mut left = lines;
    let mut in_body = false;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if in_body {
            match &mut left {
                Some(0) => break,
                Some(left) => *left -= 1,
                None => {}
            }
        }
        in_body |= line.is_empty();
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, lines: Option<u64>, expected: &str) {
        assert_eq!(String::from_utf8(reply(content.as_bytes(), lines)).unwrap(), expected);
    }

    #[test]
    fn dots_are_stuffed_and_lines_end() {
        check("a: b\r\n\r\n.\r\n..x\r\n", None, "+OK 16 octets\r\na: b\r\n\r\n..\r\n...x\r\n.\r\n");
        check("a\nb", None, "+OK 3 octets\r\na\r\nb\r\n.\r\n");
        check("", None, "+OK 0 octets\r\n.\r\n");
    }

    #[test]
    fn the_top_has_the_header_and_some_lines() {
        let mail = "a: b\r\nc: d\r\n\r\n1\r\n\r\n3\r\n";
        check(mail, Some(0), "+OK the top follows\r\na: b\r\nc: d\r\n\r\n.\r\n");
        check(mail, Some(2), "+OK the top follows\r\na: b\r\nc: d\r\n\r\n1\r\n\r\n.\r\n");
        check(mail, Some(u64::MAX), "+OK the top follows\r\na: b\r\nc: d\r\n\r\n1\r\n\r\n3\r\n.\r\n");
    }
}
