//! Mobile operators of Japan.

use crate::compose::style::{JAPANESE, PLAIN, Shape, Style, Words};

pub(in crate::compose) const EZWEB: Style = Style {
    from_name: "Mail Administrator",
    subjects: Words::failed("Mail System Error - Returned Mail"),
    text: Words::failed(
        "Each of the following recipients was rejected by a remote mail server.
The reasons that the server gave are included.

    Recipient: <{rcpt}>
    >>> RCPT TO:<{rcpt}>
    <<< {reply}

--- The message ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: PLAIN,
};

pub(in crate::compose) const DOCOMO: Style = Style {
    from_name: "Mail Administrator",
    subjects: Words::failed("送信エラー"),
    // In JIS X 0208: `docomo のメールサーバーからのお知らせです。`, `次の宛先に届けられませんでした。`, `元のメール`.
    text: Words::failed(
        "docomo \u{1b}$B$N%a!<%k%5!<%P!<$+$i$N$*CN$i$;$G$9!#\u{1b}(B

\u{1b}$B<!$N08@h$KFO$1$i$l$^$;$s$G$7$?!#\u{1b}(B

<{rcpt}>:
{reply}

--- \u{1b}$B85$N%a!<%k\u{1b}(B ---
",
    ),
    auto_submitted: None,
    failed_recipients: false,
    shape: Shape::Plain { charset: Some(JAPANESE) },
};
