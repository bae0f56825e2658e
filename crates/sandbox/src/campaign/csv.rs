//! Recipients from a CSV file: a header line with the names of the columns, one of which is the address.

use emta_campaign::Recipient;

/// Names under which the address column is found, without regard to case.
const ADDRESS_COLUMNS: [&str; 5] = ["email", "address", "e-mail", "mail", "recipient"];

/// What was wrong with a file of recipients.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// There is no header line.
    #[error("the file is empty; expected a header line with a column `email`")]
    Empty,
    /// No column has an address.
    #[error(
        "there is no column `email` among {found}; expected one of `email`, `address`, `e-mail`, `mail`, `recipient`"
    )]
    NoAddressColumn {
        /// The columns there are.
        found: String,
    },
    /// A line is not CSV.
    #[error("line {line}: {problem}")]
    Line {
        /// From 1.
        line: u64,
        /// What was found and expected.
        problem: String,
    },
}

/// Field names, and the recipients with one value for each.
type Recipients = (Vec<String>, Vec<Recipient>);

/// Reads the file. An address may be empty or wrong: preparing the delivery will say so.
///
/// # Errors
/// When there is no header, no address column, or a line has another number of columns than the header.
pub fn read(text: &[u8]) -> Result<Recipients, CsvError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let header = reader.headers().map_err(|error| line_error(&error))?.clone();
    if header.is_empty() {
        return Err(CsvError::Empty);
    }
    let is_address = |name: &str| ADDRESS_COLUMNS.iter().any(|known| name.eq_ignore_ascii_case(known));
    let Some(address) = header.iter().position(is_address) else {
        let found = header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(CsvError::NoAddressColumn { found });
    };
    let fields = header.iter().map(str::to_owned).collect();
    let mut recipients = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| line_error(&error))?;
        recipients.push(Recipient {
            address: record.get(address).unwrap_or("").to_owned(),
            values: record.iter().map(str::to_owned).collect(),
        });
    }
    Ok((fields, recipients))
}

fn line_error(error: &csv::Error) -> CsvError {
    let line = error.position().map_or(0, csv::Position::line);
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} columns; expected {expected_len}, as in the header")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8; expected a file in UTF-8".to_owned(),
        _ => error.to_string(),
    };
    CsvError::Line { line, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_address_column() {
        let (fields, recipients) =
            read(b"\xef\xbb\xbfname,Email\nAnn, ann@gmail.test \n\"Lee, Bo\",\n").unwrap();
        assert_eq!(fields, ["name", "Email"]);
        assert_eq!(recipients[0].address, "ann@gmail.test");
        assert_eq!(recipients[1].values, ["Lee, Bo", ""]);
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let error = |text: &[u8]| read(text).unwrap_err().to_string();
        assert!(error(b"").starts_with("the file is empty"));
        assert!(error(b"name,phone\n").starts_with("there is no column `email` among `name`, `phone`"));
        assert_eq!(error(b"email,name\na@b.test\n"), "line 2: 1 columns; expected 2, as in the header");
        assert_eq!(error(b"email\n\xff@b.test\n"), "line 2: not UTF-8; expected a file in UTF-8");
    }
}
