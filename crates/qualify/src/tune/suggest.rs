//! Drafted rules for what no rule knows.
//!
//! Texts are clustered by their normalised form, the largest cluster first. From that form a rule is drafted whose
//! regex takes in what the normalisation took out, with samples that are made up in the image of the cluster, so that
//! no address of a corpus ends in a rule file. What the rule *means* is for a person to decide; the draft says what
//! the labels say, or else what the most similar rule says, or else Unreachable / Soft (facts 2.4).

mod draft;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use emta_mail::{FailureReason, FailureType};

use self::draft::{imagined, regexes};
use super::case::{Case, Meaning, meaning_at};
use super::diff::MAX_EXAMPLES;
use crate::digest::MessageDigest;
use crate::normalise::normalise;
use crate::rule::{Assignment, Pattern, RuleSpec, RuleTests, Sample, When};
use crate::set::RuleSet;
use crate::subject::Kind;

/// Suggestions made at a time: those of the largest clusters.
pub const MAX_SUGGESTIONS: usize = 200;
/// Samples that must not match, from other rules.
const MAX_NO_MATCH: usize = 2;
/// Share of common words from which two texts are taken to mean the same.
const SIMILAR: f64 = 0.5;

/// Texts of one form that no rule knows, and a rule that would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The normalised text of the largest cluster that the rule takes in.
    pub normalised: String,
    /// Its digest, by which the qualification table knows it.
    pub digest: MessageDigest,
    /// How many cases the rule takes in; those of the cluster if there is no rule.
    pub count: usize,
    /// Name and text of up to [`MAX_EXAMPLES`] of them.
    pub examples: Vec<(String, String)>,
    /// What their labels say, the most frequent first.
    pub labels: Vec<(Meaning, usize)>,
    /// The rule with the most similar sample, if one is similar.
    pub nearest: Option<String>,
    /// The draft, to be put before the rule that takes everything; its samples pass. `None` where the text has
    /// nothing to hold on to.
    pub rule: Option<RuleSpec>,
}

/// Clusters the cases that no rule knows, or only one that takes everything, and drafts a rule for each cluster.
/// Suggestions come by the volume of their largest clusters, at most [`MAX_SUGGESTIONS`].
pub fn suggest<'a>(set: &RuleSet, cases: impl IntoIterator<Item = &'a Case>) -> Vec<Suggestion> {
    let known = Known::new(set);
    let mut accepted: Vec<(Suggestion, Option<RuleSet>)> = Vec::new();
    for cluster in clusters(set, cases) {
        let is_full = accepted.len() == MAX_SUGGESTIONS;
        let taken = accepted.iter_mut().find(|(_, draft)| {
            draft.as_ref().is_some_and(|draft| cluster.cases.iter().all(|case| matches(draft, case)))
        });
        match taken {
            Some((suggestion, _)) => suggestion.add(&cluster),
            None if is_full => {}
            None => {
                let drafts: Vec<&RuleSet> = accepted.iter().filter_map(|(_, draft)| draft.as_ref()).collect();
                let suggestion = known.suggestion(&cluster, &drafts);
                accepted.push(suggestion);
            }
        }
    }
    // They stay in this order, though a later one may have taken in more: a draft has been held against those before it.
    accepted.into_iter().map(|(suggestion, _)| suggestion).collect()
}

/// Cases of one normalised form.
struct Cluster<'a> {
    kind: Kind,
    normalised: String,
    cases: Vec<&'a Case>,
}

/// The largest first, then by text.
fn clusters<'a>(set: &RuleSet, cases: impl IntoIterator<Item = &'a Case>) -> Vec<Cluster<'a>> {
    let mut clusters: BTreeMap<(Kind, String), Vec<&Case>> = BTreeMap::new();
    for case in cases {
        if set.qualify(&case.as_subject()).is_none_or(|matched| matched.rule.takes_everything()) {
            clusters.entry((case.kind, normalise(&case.text))).or_default().push(case);
        }
    }
    let mut clusters: Vec<_> =
        clusters.into_iter().map(|((kind, normalised), cases)| Cluster { kind, normalised, cases }).collect();
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.cases.len()));
    clusters
}

fn matches(draft: &RuleSet, case: &Case) -> bool {
    draft.qualify(&case.as_subject()).is_some()
}

impl Suggestion {
    fn add(&mut self, cluster: &Cluster<'_>) {
        self.count += cluster.cases.len();
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        let shown = cluster.cases.iter().map(|case| (case.id.clone(), case.shown().to_owned()));
        self.examples.extend(shown.take(room));
        let mut labels: HashMap<Meaning, usize> = self.labels.drain(..).collect();
        for label in cluster.cases.iter().filter_map(|case| case.expected) {
            *labels.entry(label).or_default() += 1;
        }
        self.labels = labels.into_iter().collect();
        self.labels.sort_by_key(|(label, count)| (std::cmp::Reverse(*count), *label));
    }
}

/// What the set says already.
struct Known<'a> {
    set: &'a RuleSet,
    /// The `match` samples that are lines, with their words and the place of their rule.
    samples: Vec<(usize, &'a Sample, BTreeSet<String>)>,
}

impl<'a> Known<'a> {
    fn new(set: &'a RuleSet) -> Self {
        let of_rule = |(position, spec): (usize, &'a RuleSpec)| {
            spec.tests.matches.iter().map(move |sample| (position, sample, words(&normalise(&sample.text))))
        };
        let samples = set.rules().enumerate().flat_map(of_rule).filter(|(_, _, words)| !words.is_empty());
        Self { set, samples: samples.collect() }
    }

    fn suggestion(&self, cluster: &Cluster<'_>, before: &[&RuleSet]) -> (Suggestion, Option<RuleSet>) {
        let near = self.by_similarity(&cluster.normalised);
        let nearest = near.first().filter(|(similarity, _, _)| *similarity >= SIMILAR).map(|near| near.1);
        let mut suggestion = Suggestion {
            digest: MessageDigest::of_normalised(&cluster.normalised),
            count: 0,
            examples: Vec::new(),
            labels: Vec::new(),
            nearest: nearest.and_then(|nearest| Some(self.set.rules().nth(nearest)?.id.clone())),
            normalised: cluster.normalised.clone(),
            rule: None,
        };
        suggestion.add(cluster);
        let (means, why) = match (suggestion.labels.first(), nearest.and_then(|n| meaning_at(self.set, n))) {
            (Some((label, _)), _) => (*label, "as labelled"),
            (None, Some(meaning)) => (meaning, "as the most similar rule says"),
            (None, None) => ((FailureType::Soft, FailureReason::Unreachable), "not decided yet"),
        };
        let id = id_of(&suggestion);
        let base = RuleSpec {
            id,
            set: Assignment { class: None, failure_type: Some(means.0), reason: Some(means.1) },
            note: Some(format!("Drafted from {} texts; type and reason {why}.", suggestion.count)),
            ..RuleSpec::default()
        };
        let foreign: Vec<&Sample> = near.iter().map(|(_, _, sample)| *sample).collect();
        let draft = self.draft(&base, cluster, &foreign, before);
        if let Some(draft) = &draft {
            suggestion.rule = draft.rules().next().cloned();
        }
        (suggestion, draft)
    }

    /// The first draft, from the narrowest on, that takes in the whole cluster and whose samples pass, after the drafts
    /// `before` too.
    fn draft(
        &self,
        base: &RuleSpec,
        cluster: &Cluster<'_>,
        foreign: &[&Sample],
        before: &[&RuleSet],
    ) -> Option<RuleSet> {
        let patterns: Vec<Option<Pattern>> = regexes(&cluster.normalised)
            .into_iter()
            .map(|regex| Some(Pattern { regexes: vec![regex], literals: Vec::new() }))
            .collect();
        let first = cluster.cases.first()?;
        let status = |case: &&Case| case.status == first.status;
        let statuses = first.status.filter(|_| cluster.cases.iter().all(status));
        // A text of nothing but codes has no words; the status is what it has.
        let by_status = patterns.is_empty().then_some(None).filter(|_| statuses.is_some());
        let imagined = imagined(&cluster.normalised);
        let samples = [imagined.as_str(), first.text.as_str()];
        for pattern in patterns.into_iter().chain(by_status) {
            for codes in [code_class(cluster), None] {
                let when = When {
                    kinds: vec![cluster.kind],
                    codes: codes.into_iter().collect(),
                    statuses: statuses
                        .filter(|_| pattern.is_none())
                        .iter()
                        .map(ToString::to_string)
                        .collect(),
                    ..When::default()
                };
                for text in samples {
                    let sample = Sample { kind: cluster.kind, ..Sample::line(text) };
                    if before.iter().any(|draft| draft.qualify(&sample.as_subject()).is_some()) {
                        continue;
                    }
                    let spec = RuleSpec { when: when.clone(), pattern: pattern.clone(), ..base.clone() };
                    if let Some(draft) = self.tested(spec, sample, foreign)
                        && cluster.cases.iter().all(|case| matches(&draft, case))
                    {
                        return Some(draft);
                    }
                }
            }
        }
        None
    }

    /// The rule with samples, if it wins its sample and none of the rules that are there does.
    fn tested(&self, spec: RuleSpec, sample: Sample, foreign: &[&Sample]) -> Option<RuleSet> {
        let before = self.set.qualify(&sample.as_subject());
        if before.is_some_and(|matched| !matched.rule.takes_everything()) {
            return None;
        }
        let alone = RuleSet::compile("draft", vec![spec.clone()]).ok()?;
        let not_matched = foreign.iter().filter(|other| alone.qualify(&other.as_subject()).is_none());
        let no_match = not_matched.take(MAX_NO_MATCH).map(|other| (*other).clone()).collect();
        let tests = RuleTests { matches: vec![sample], no_match };
        let draft = RuleSet::compile("draft", vec![RuleSpec { tests, ..spec }]).ok()?;
        draft.run_tests().is_empty().then_some(draft)
    }

    /// The samples, the most similar first, with the place of their rule.
    fn by_similarity(&self, normalised: &str) -> Vec<(f64, usize, &'a Sample)> {
        let own = words(normalised);
        let similarity = |words: &BTreeSet<String>| {
            let common = words.intersection(&own).count();
            common as f64 / (words.len() + own.len() - common).max(1) as f64
        };
        let mut near: Vec<_> = self
            .samples
            .iter()
            .map(|(position, sample, words)| (similarity(words), *position, *sample))
            .collect();
        near.sort_by(|one, other| other.0.total_cmp(&one.0));
        near
    }
}

/// `5xx` if all codes are of one class.
fn code_class(cluster: &Cluster<'_>) -> Option<String> {
    let class = |case: &&Case| case.code.map(|code| code / 100);
    let first = cluster.cases.first().and_then(class)?;
    cluster.cases.iter().all(|case| class(case) == Some(first)).then(|| format!("{first}xx"))
}

/// Words of three letters and more; placeholders are none.
fn words(normalised: &str) -> BTreeSet<String> {
    let text = normalised.replace("#ID#", " ").replace("#DOMAIN#", " ").replace("#MESSAGE#", " ");
    text.split(|c: char| !c.is_alphabetic())
        .filter(|word| word.chars().count() >= 3)
        .map(str::to_lowercase)
        .collect()
}

/// `Suggested_mailbox_is_on_hold_1f3a5c`.
fn id_of(suggestion: &Suggestion) -> String {
    const WORDS: usize = 4;
    const DIGEST: usize = 6;
    let text = suggestion.normalised.replace("#ID#", " ").replace("#DOMAIN#", " ");
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .map(str::to_ascii_lowercase)
        .collect();
    let digest: String = suggestion.digest.to_string().chars().take(DIGEST).collect();
    ["Suggested".to_owned()].into_iter().chain(words).chain([digest]).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests;
