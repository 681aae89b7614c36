use super::Costs;

#[test]
fn costs_are_replaced_by_name() {
    let mut costs = Costs::default();
    costs.read(r#"{"gateway_us_per_token": 6.5, "kb_per_connection": 4}"#).unwrap();
    costs.set("kb_per_connection", 5.0, "--cost").unwrap();
    assert_eq!((costs.gateway_us_per_token.value, &*costs.gateway_us_per_token.source), (6.5, "--costs"));
    assert_eq!((costs.kb_per_connection.value, &*costs.kb_per_connection.source), (5.0, "--cost"));
    assert_eq!(costs.worker_us_per_token, Costs::default().worker_us_per_token);
}

#[test]
fn what_is_no_cost_is_told() {
    let told = |text: &str| Costs::default().read(text).unwrap_err();
    assert!(
        told(r#"{"gateway_ms": 1}"#)
            .starts_with("there is no cost \"gateway_ms\": there are gateway_us_per_token, ")
    );
    assert!(told(r#"{"gateway_us_per_token": -1}"#).contains("must not be less than 0"));
    assert!(told(r#"{"gateway_us_per_token": "1"}"#).contains("a JSON object of numbers"));
    assert!(told("[]").contains("a JSON object of numbers"));
    assert!(told("{").contains("a JSON object of numbers"));
}
