use super::TraceContext;

const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn a_traceparent_is_read_and_written_as_it_is() {
    let context = TraceContext::parse(EXAMPLE).unwrap();
    assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((context.span_id(), context.is_sampled()), (0xb7ad_6b71_6920_3331, true));
    assert_eq!(context.traceparent(), EXAMPLE);
    let other = TraceContext::parse(&EXAMPLE.replace("-01", "-02")).unwrap();
    assert!(!other.is_sampled() && other.sampled().is_sampled());
}

#[test]
fn of_a_later_version_the_known_parts_count() {
    let later = EXAMPLE.replacen("00", "cc", 1);
    assert_eq!(TraceContext::parse(&later).unwrap().traceparent(), EXAMPLE);
    assert_eq!(TraceContext::parse(&format!("{later}-what-comes")).unwrap().traceparent(), EXAMPLE);
    assert_eq!(TraceContext::parse(&format!("{later}.what")), None);
}

#[test]
fn what_is_malformed_is_none() {
    for text in [
        "",
        "00",
        &EXAMPLE[1..],
        &format!("{EXAMPLE}-"),
        &format!("{EXAMPLE}0"),
        &EXAMPLE.to_uppercase(),
        &EXAMPLE.replacen("00", "ff", 1),
        &EXAMPLE.replace('-', "_"),
        &EXAMPLE.replace("b7ad6b7169203331", "0000000000000000"),
        &EXAMPLE.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
        "00-0af7651916cd43dd8448eb211c8031-9cb7ad6b7169203331-01",
        "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "äääääääääääääääääääääääääääääääää",
    ] {
        assert_eq!(TraceContext::parse(text), None, "{text}");
    }
}

#[test]
fn a_tracestate_is_kept_if_it_is_one() {
    let state = |text: &str| TraceContext::parse(EXAMPLE).unwrap().with_state(text).state().to_owned();
    for good in ["rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE", "fw529a3039@dt=FfD;abc"]
    {
        assert_eq!(state(good), good);
    }
    for bad in ["", "rojo", "Rojo=1", "a=1,,b=2", "a=b=c", "a=\u{7f}", &format!("a={}", "b".repeat(512))] {
        assert_eq!(state(bad), "", "{bad}");
    }
}
