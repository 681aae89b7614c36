use hyper::header::HeaderValue;
use protocol::Request;

use super::*;

#[test]
fn a_malformed_trace_in_a_header_is_ignored_too() {
    let taken = |traceparent: &'static str| {
        let mut create = Create::new(Request::new("m"));
        let headers =
            HeaderMap::from_iter([("traceparent".parse().unwrap(), HeaderValue::from_static(traceparent))]);
        take_headers(&mut create, &headers).unwrap();
        create.trace.map(|trace| trace.traceparent())
    };
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(taken(good).as_deref(), Some(good));
    for malformed in ["", "nonsense", "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
        assert_eq!(taken(malformed), None, "{malformed}");
    }
}
