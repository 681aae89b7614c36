use serde_json::json;

use super::*;

fn read(claims: Claims, said: Value) -> Result<Identity, Refusal> {
    let reader = Reader::new(claims, "the-issuer".to_owned(), Scopes::usual());
    reader.identity(&"issuer".into(), said.as_object().unwrap(), Duration::from_secs(5))
}

fn names(tenant: &str, user: &str) -> Claims {
    Claims { user: user.to_owned(), tenant: Some(tenant.to_owned()), scopes: None }
}

#[test]
fn tenant_and_user_stand_where_the_operator_says() {
    let said = json!({
        "exp": 100, "sub": "u1", "org_id": 7, "https://example.com/org": "url", "a": {"b.c": {"d": "deep"}}, "x.y": "flat",
        "x": {"y": "nested"},
    });
    for (claim, tenant) in [
        ("org_id", "7"),
        ("https://example.com/org", "url"),
        ("a.b.c.d", "deep"),
        ("x.y", "flat"),
        ("sub", "u1"),
    ] {
        let identity = read(names(claim, "sub"), said.clone()).unwrap();
        assert_eq!((&*identity.tenant, &*identity.user), (tenant, "u1"), "{claim}");
    }
    let identity = read(Claims::default(), said).unwrap();
    assert_eq!(&*identity.tenant, "the-issuer");
    assert_eq!(identity.expires_at, Some(105));
}

#[test]
fn a_token_that_does_not_say_who_is_nobodys() {
    let long = "x".repeat(257);
    for said in [
        json!({"exp": 1}),
        json!({"exp": 1, "sub": ""}),
        json!({"exp": 1, "sub": null}),
        json!({"exp": 1, "sub": ["u"]}),
        json!({"exp": 1, "sub": 1.5}),
        json!({"exp": 1, "sub": true}),
        json!({"exp": 1, "sub": long}),
    ] {
        assert!(read(Claims::default(), said.clone()).is_err(), "{said}");
        let mut as_tenant = said;
        as_tenant["user"] = "u".into();
        assert!(read(names("sub", "user"), as_tenant.clone()).is_err(), "{as_tenant}");
    }
}

#[test]
fn scopes_are_words_or_lists_of_them() {
    let claims = Claims { scopes: Some("scope".to_owned()), ..Claims::default() };
    for (said, words) in [
        (json!("openid models background"), vec!["models", "background"]),
        (json!(["model:small", "model:org/*", "profile"]), vec!["model:org/*", "model:small"]),
        (json!("openid"), vec![]),
        (json!(7), vec![]),
    ] {
        let identity = read(claims.clone(), json!({"exp": 1, "sub": "u", "scope": said})).unwrap();
        assert_eq!(identity.scopes.words(), words);
    }
    // Its kind says it; this one does not.
    assert_eq!(read(claims, json!({"exp": 1, "sub": "u"})).unwrap().scopes, Scopes::default());
    assert_eq!(read(Claims::default(), json!({"exp": 1, "sub": "u"})).unwrap().scopes, Scopes::usual());
}
