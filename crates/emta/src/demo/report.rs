//! What is told at the end: KPIs, failures, rules, and what is left to do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::watch::Story;
use crate::client::{Client, take_items};
use crate::delivery::logs;
use crate::kpis;
use crate::output::{table, text};

/// Rules that are shown, by number of hits.
const TOP: usize = 15;

/// The report.
pub(super) async fn report(client: &Client, delivery: u64, story: &Story) -> anyhow::Result<String> {
    let kpis = three_modes(client, delivery).await?;
    let failed = failures(&logs(client, delivery, None, usize::MAX).await?);
    let inbound_rules = hits(&client.items(&["bounces"], &[], ("next_cursor", "cursor"), usize::MAX).await?);
    let to_qualify = to_qualify(take_items(&mut client.get(&["qualification"]).await?));
    let addresses = statuses(&take_items(&mut client.get(&["addresses"]).await?));
    let sections = [
        ("KPIs".to_owned(), kpis::side_by_side(&kpis)),
        ("Events".to_owned(), counted("event", &story.events, usize::MAX)),
        ("Bounces + errors by type and reason".to_owned(), counted("type and reason", &failed, usize::MAX)),
        ("Rules of the MTA, by failed attempts".to_owned(), counted("rule", &story.mta_rules, TOP)),
        ("Inbound email rules, by recipients".to_owned(), counted("rule", &inbound_rules, TOP)),
        (format!("Left to qualify: {} texts", to_qualify.len()), qualification(&to_qualify)),
        ("Addresses".to_owned(), counted("status", &addresses, usize::MAX)),
    ];
    let shown =
        sections.map(|(title, body)| format!("\n{title}\n{}\n{body}", "-".repeat(title.chars().count())));
    Ok(shown.concat())
}

/// KPIs folded from the event log: without feedback service the campaign core hears too little for the other
/// modes. In the mode in force, those that it kept.
async fn three_modes(client: &Client, delivery: u64) -> anyhow::Result<Value> {
    let id = delivery.to_string();
    let mut kpis = client.post(&["deliveries", &id, "compute-stats"], &json!({})).await?;
    let kept = client.get(&["deliveries", &id, "kpis"]).await?;
    let mode = client.get(&["deliveries", &id]).await?["mode"].take();
    if let Some(mode) = mode.as_str() {
        kpis[mode] = kept[mode].clone();
    }
    Ok(kpis)
}

/// Failed messages by type and reason, in the mode in force.
fn failures(logs: &[Value]) -> BTreeMap<String, u64> {
    let failed = logs.iter().filter(|log| log["status"] == "failed");
    count(failed.map(|log| format!("{} {}", text(&log["type"]), text(&log["reason"]))))
}

/// Recipients of mail that came back, by the rule that qualified it.
fn hits(mails: &[Value]) -> BTreeMap<String, u64> {
    let results = mails.iter().filter_map(|mail| mail["results"].as_array()).flatten();
    count(results.map(|result| result["rule"].as_str().unwrap_or("(no rule)").to_owned()))
}

fn statuses(addresses: &[Value]) -> BTreeMap<String, u64> {
    count(addresses.iter().map(|address| text(&address["status"])))
}

fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Most first, and by name where equal.
fn counted(title: &str, counts: &BTreeMap<String, u64>, top: usize) -> String {
    if counts.is_empty() {
        return "none\n".to_owned();
    }
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let rest = sorted.len().saturating_sub(top);
    let rows = sorted.iter().take(top).map(|(name, count)| vec![count.to_string(), (*name).clone()]);
    let shown = table(&["count", title], rows);
    if rest > 0 { format!("{shown}and {rest} more\n") } else { shown }
}

/// The rows that nobody has decided about, most frequent first.
fn to_qualify(mut rows: Vec<Value>) -> Vec<Value> {
    rows.retain(|row| row["status"] == "to_qualify");
    rows.sort_by_key(|row| (std::cmp::Reverse(row["count"].as_u64()), text(&row["text"])));
    rows
}

fn qualification(rows: &[Value]) -> String {
    if rows.is_empty() {
        return "none\n".to_owned();
    }
    table(&["count", "text"], rows.iter().take(TOP).map(|row| vec![text(&row["count"]), text(&row["text"])]))
}
