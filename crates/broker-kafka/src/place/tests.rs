use super::*;

#[test]
fn an_id_tells_where_its_stream_begins() {
    for made_at in [0, 1, 17, u32::MAX.into(), i64::from(u32::MAX) + 1, 1 << 40] {
        let id = new_id(3, made_at);
        assert_eq!(id.partition(), 3);
        for read_at in [made_at, made_at + 1, made_at + 1_000_000_000, (made_at - 5).max(0)] {
            assert_eq!(first_offset(id, read_at), made_at, "made at {made_at}, read at {read_at}");
        }
    }
}

#[test]
fn ids_made_at_one_place_differ() {
    assert_ne!(new_id(0, 9), new_id(0, 9));
}
