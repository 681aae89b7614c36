-- Begins a stream.
-- KEYS  log, meta
-- ARGV  header, record, next, 1 if it ends at once, ttl, grace or nothing in the background, PUBLISH, channel, payload
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
-- Its meta has expired just now: what is left of an older stream goes too.
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[1], '1-1', 'record', ARGV[2])
redis.call('HSET', KEYS[2], 'header', ARGV[1], 'epoch', 0, 'tail', '0 0 ' .. ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'ended', 1) end
if ARGV[6] ~= '' then
  -- The grace is the attendance of a gateway without a name.
  local attended = now() + ARGV[6]
  redis.call('HSET', KEYS[2], 'attended', attended, 'gateway:', attended)
end
prolong(KEYS[1], KEYS[2], tonumber(ARGV[5]))
redis.call(ARGV[7], ARGV[8], ARGV[9])
return 1
