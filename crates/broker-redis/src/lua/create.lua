-- Begins a stream.
-- KEYS  log, meta
-- ARGV  header, record, next, 1 if it ends at once, ttl, grace or nothing in the background, in a cluster its channel, 1 if the
--       record is published and not only told of, the inbox of whoever follows it from the beginning on
local created = create(KEYS[1], KEYS[2], unpack(ARGV))
send()
return created
