//! The page is whole in itself, is read by an XML parser, and shows what came from outside as text.

use roxmltree::{Document, Node};

use super::super::{Group, Study, html};
use super::{bands, comparison, policies, run, seeds};
use crate::simulation::figures::{Figures, Setting};

/// Reads the page; without its document type, which the parser refuses.
fn check(study: &Study<'_>, check: impl Fn(&Document<'_>)) {
    let page = html::page(study);
    let text = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let document = Document::parse(text).unwrap();
    for outside in ["script", "link", "img", "iframe", "object"] {
        let found = document.descendants().find(|node| node.has_tag_name(outside));
        assert_eq!(found, None, "the page needs nothing but itself");
    }
    for word in ["http:", "https:", "//", "@import", "url(", "NaN", "inf"] {
        assert!(!text.contains(word), "`{word}` is in the page");
    }
    for drawing in named(&document, "svg").filter(|node| node.attribute("role") == Some("img")) {
        let title = drawing.children().find(|node| node.has_tag_name("title"));
        assert!(title.is_some_and(|title| title.text().is_some_and(|text| !text.is_empty())));
    }
    for table in named(&document, "table") {
        let head = table.descendants().filter(|node| node.attribute("scope") == Some("col")).count();
        let bodies = named_in(table, "tr").filter(|row| row.ancestors().any(|a| a.has_tag_name("tbody")));
        for row in bodies.filter(|_| head > 0) {
            assert_eq!(row.children().filter(Node::is_element).count(), head, "{:?}", row.text());
        }
    }
    check(&document);
}

fn named<'a, 'i: 'a>(document: &'a Document<'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    named_in(document.root(), name)
}

fn named_in<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.descendants().filter(move |node| node.has_tag_name(name))
}

fn classes(document: &Document<'_>, class: &str) -> usize {
    let has = |node: &Node<'_, '_>| {
        node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class))
    };
    document.descendants().filter(has).count()
}

#[test]
fn one_run() {
    let [quick, _] = policies();
    let study = Study::new(Group::new("quick", run(&quick)), "emta simulate quick.yaml");
    check(&study, |document| {
        assert_eq!(classes(document, "band"), 0);
        assert_eq!(classes(document, "dashed"), 0);
        let plots = named(document, "desc").count();
        assert_eq!(plots, 9, "two of outcomes, two of the queue, three of KPIs, retries, quarantine");
        let marks = named(document, "text").filter(|node| node.text() == Some("84 h: given up"));
        assert_eq!(marks.count(), 1);
    });
}

#[test]
fn two_policies_are_overlaid() {
    let policies = policies();
    check(&comparison(&policies), |document| {
        let solid = named(document, "path").filter(|node| node.attribute("class") == Some("line delivered"));
        let dashed =
            named(document, "path").filter(|node| node.attribute("class") == Some("line delivered dashed"));
        assert!(solid.count() >= 5 && dashed.count() >= 5, "each plot with deliveries has both");
        let captions: Vec<_> = named(document, "caption").filter_map(|node| node.text()).collect();
        assert!(captions.contains(&"Differences"), "{captions:?}");
        let heading = named(document, "h1").next().and_then(|node| node.text().map(str::to_owned));
        assert_eq!(heading.as_deref(), Some("Simulations quick and slow <&>"));
    });
}

#[test]
fn many_seeds_have_bands() {
    let seeds = seeds();
    check(&bands(&seeds), |document| {
        assert!(classes(document, "band") >= 10);
        assert_eq!(classes(document, "dashed"), 0);
    });
}

#[test]
fn what_comes_from_a_scenario_is_text() {
    let name = "</style><script>alert(1)</script>\u{0}\u{1b}[31m\"'&amp;";
    let [quick, _] = policies();
    let setting = Setting { scenario: name.to_owned(), command: name.to_owned(), ..quick.setting().clone() };
    let figures = Figures::new(setting);
    check(
        &Study::comparison(Group::new(name, run(&figures)), Group::new(name, run(&quick)), name),
        |document| {
            let code = named(document, "code").next().and_then(|node| node.text());
            assert_eq!(code, Some("</style><script>alert(1)</script>\u{fffd}\u{fffd}[31m\"'&amp;"));
        },
    );
}

#[test]
fn nothing_at_all_is_shown_as_such() {
    let [quick, _] = policies();
    let setting = quick.setting().clone();
    let end = setting.start;
    for setting in [setting.clone(), Setting { end, recipients: 0, ..setting }] {
        let figures = Figures::new(setting);
        check(&Study::new(Group::new("nothing", run(&figures)), "emta simulate nothing.yaml"), |document| {
            assert_eq!(named(document, "figure").count(), 9);
        });
    }
}
