//! Rules and decisions of an operator hold from the next text on.

use emta_tests::system::Setup;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A provider that bounces everything later, in words that nobody knows.
const ODD: &str = "name: odd\n\
    domains: [odd.test]\n\
    outcomes: [{ weight: 1, name: odd, script: \"250; dsn=550 5.0.0 Fehler 4711 in Modul 12 after 1h\" }]\n";

async fn replace(base: &str, rules: &str) -> (StatusCode, Value) {
    let put = Client::new().put(format!("{base}/api/v1/rules/inbound-email")).body(rules.to_owned());
    let response = put.send().await.expect("an answer");
    (response.status(), response.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_replaced_while_the_system_runs() {
    let system = Setup::new().provider("odd", ODD).start().await;
    let verdict = async |recipient: &str| {
        system.send(recipient).await;
        system.api.advance("2h").await;
        let message = system.api.message_to(recipient).await;
        message["events"].as_array().unwrap().last().unwrap()["data"]["failure"].clone()
    };
    assert_eq!(verdict("one@odd.test").await["rule"], "Other_responses");

    let (status, problem) = replace(system.api.url(), "rules:\n  - id: mine\n    match: '('\n").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(problem["detail"].as_str().unwrap().contains(":2:5: missing field `set`"), "{problem}");
    assert_eq!(verdict("two@odd.test").await["rule"], "Other_responses", "the old rules stay");

    let mine =
        "rules:\n  - id: mine\n    match: 'fehler \\d+'\n    set: { type: hard, reason: user_unknown }\n";
    assert_eq!(replace(system.api.url(), mine).await, (StatusCode::OK, json!({ "rules": 1 })));
    let failure = verdict("three@odd.test").await;
    assert_eq!((&failure["rule"], &failure["type"]), (&json!("mine"), &json!("hard")));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_row_of_the_qualification_table_holds_from_the_next_mail_on() {
    let system = Setup::new().provider("odd", ODD).start().await;
    system.send("one@odd.test").await;
    system.api.advance("2h").await;
    let table = system.api.get("/api/v1/qualification").await;
    let row = &table["items"][0];
    assert_eq!((&row["text"], &row["count"]), (&json!("550 5.0.0 Fehler 4711 in Modul 12"), &json!(1)));
    assert_eq!(row["status"], "to_qualify");

    let path = format!("/api/v1/qualification/{}", row["digest"].as_str().unwrap());
    let edit = json!({ "type": "hard", "reason": "account_disabled" });
    let (status, edited) = system.api.call(Method::PUT, &path, Some(&edit)).await;
    assert_eq!((status, &edited["status"]), (StatusCode::OK, &json!("keep")));
    system.send("two@odd.test").await;
    system.api.advance("2h").await;
    let message = system.api.message_to("two@odd.test").await;
    let failure = &message["events"].as_array().unwrap().last().unwrap()["data"]["failure"];
    assert_eq!((&failure["type"], &failure["reason"]), (&json!("hard"), &json!("account_disabled")));
    system.stop().await;
}
