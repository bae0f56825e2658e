//! `emta inmail`: reads and qualifies mail that came back, offline, with the same eyes as the bounce mailbox.

pub(crate) mod files;
mod line;
mod summary;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use emta_mail::inbound::mbox;
use emta_qualify::RuleSet;
use emta_sandbox::config::Override;
use emta_sandbox::inmail::reading;

use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output;
use crate::progress::Patient;
use summary::Summary;

/// Read and qualify mail that came back, offline: one JSON object a line for each recipient, a summary on
/// standard error.
///
/// A mail that names no recipient gives one line with `"recipient": null`. A file that begins with `From ` is
/// an mbox of many mails. What cannot be read is told and left out; the exit code is 6 then.
#[derive(Args)]
#[command(after_help = "A line has:
  file, index                          the mail, and its place in an mbox
  kind, meaning                        what the mail is, and what it means for the message
  recipient, alias, found_in           whom the sender knew, another name, and where the mail has it
  final_recipient, original_recipient  as a report has them (RFC 3464)
  action, status, reply_code           what was done, and the codes that say why
  smtp_command, text                   what was refused, and in which words
  type, reason, rule, to_qualify       how the rules qualify it
  remote_mta, reporting_mta            who refused it, and who tells so
  last_attempt, will_retry_until       when, as far as the mail tells
  sender_format, program               what the mail is written in, and by what
  report_date, report_message_id       the mail's own
  original_message_id                  the message's
  original_headers                     its X- fields
  feedback_type                        what a complaint is about

Examples:
  emta inmail bounce.eml
  emta inmail maildir/ archive.mbox | jq -r '[.recipient, .type, .reason, .rule] | @tsv'
  emta inmail bounces/ | jq -c 'select(.action == \"failed\") | [.final_recipient, .original_headers]'
  emta inmail --rules my-rules.yaml bounces/ | jq 'select(.to_qualify)'
  curl -s http://127.0.0.1:8025/api/v1/bounces/0123456789abcdef/raw | emta inmail -")]
pub(crate) struct InMail {
    /// Mails, mboxes and folders of them; folders are read with all that is in them, in the order of the
    /// names; `-` is standard input.
    #[arg(required = true, value_name = "FILE|DIR|MBOX")]
    inputs: Vec<PathBuf>,
    /// Inbound email rules to qualify by; those of the configuration by default.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

impl InMail {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let rules = self.rules.iter();
        let rules = rules.map(|file| Override::flag("--rules", "rules.inbound_email", quoted(file)));
        let rules = self.config.load(rules.collect())?.rules.inbound_email;
        let mut run =
            Run { rules: &rules, summary: Summary::default(), progress: Patient::new(), octets: 0, of: 0 };
        let mut sources = Vec::new();
        for input in &self.inputs {
            files::find(input, &mut sources, &mut |path, why| run.unreadable(path, why));
        }
        run.of = sources.iter().map(|path| files::size(path)).sum();
        let mut out = output::stdout();
        for path in &sources {
            match files::read(path) {
                Ok(raw) => run.file(path, &raw, &mut out)?,
                Err(why) => run.unreadable(path, &why),
            }
        }
        out.flush()?;
        drop(run.progress);
        output::tell(run.summary.to_string().trim_end());
        Ok(if run.summary.unreadable > 0 { Exit::Partial } else { Exit::Ok })
    }
}

/// A path as a text in YAML, so that one such as `null` stays a path.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.to_string_lossy().as_ref()).to_string()
}

struct Run<'a> {
    rules: &'a RuleSet,
    summary: Summary,
    progress: Patient,
    /// Read so far.
    octets: u64,
    /// In all files together.
    of: u64,
}

impl Run<'_> {
    fn file(&mut self, path: &Path, raw: &[u8], out: &mut impl std::io::Write) -> std::io::Result<()> {
        self.summary.files += 1;
        let name = path.to_string_lossy();
        if raw.starts_with(b"From ") {
            for (index, mail) in mbox::split(raw).enumerate() {
                self.mail(&name, index, mail, out)?;
            }
            return Ok(());
        }
        self.mail(&name, 0, raw, out)
    }

    fn mail(
        &mut self,
        file: &str,
        index: usize,
        raw: &[u8],
        out: &mut impl std::io::Write,
    ) -> std::io::Result<()> {
        let reading = reading::read(raw, self.rules);
        self.summary.count(&reading);
        for line in line::lines(file, index, &reading) {
            writeln!(out, "{line}")?;
        }
        self.octets += raw.len() as u64;
        let Summary { files, mails, .. } = self.summary;
        self.progress.at(self.octets, self.of, || format!("{files} files, {mails} mails"));
        Ok(())
    }

    fn unreadable(&mut self, path: &Path, why: &str) {
        self.summary.unreadable += 1;
        output::warn(format_args!("`{}` cannot be read: {why}", path.display()));
    }
}
