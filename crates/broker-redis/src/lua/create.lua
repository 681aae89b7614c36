-- Begins a stream.
-- KEYS  log, meta
-- ARGV  header, record, next, 1 if it ends at once, ttl, grace or nothing in the background, 1 if the record is published and not
--       only told of, the inbox of whoever follows it from the beginning on, the command that publishes
local created = create(KEYS[1], KEYS[2], unpack(ARGV, 1, 8))
send(ARGV[9])
return created
