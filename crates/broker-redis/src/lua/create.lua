-- Begins a stream.
-- KEYS  log, meta
-- ARGV  header, record, next, 1 if it ends at once, ttl, grace or nothing in the background, in a cluster its channel, 1 if the
--       record is published and not only told of, the inbox of whoever follows it from the beginning on
local log, meta = KEYS[1], KEYS[2]
if ARGV[9] ~= '' then follow(meta, redis.call('HGET', meta, 'live'), ARGV[9], ARGV[5]) end
if redis.call('HEXISTS', meta, 'header') == 1 then return 0 end
-- Its meta has expired just now: what is left of an older stream goes too.
redis.call('DEL', log)
redis.call('XADD', log, '1-1', 'record', ARGV[2])
local tail = '0 ' .. ARGV[3] .. ' 0'
redis.call('HSET', meta, 'header', ARGV[1], 'tail', ARGV[4] == '' and tail or 'ended ' .. tail)
if ARGV[6] ~= '' then
  -- The grace is the attendance of a gateway without a name.
  local attended = now() + ARGV[6]
  redis.call('HSET', meta, 'stop', attended, 'gateway:', attended)
end
prolong(log, meta, tonumber(ARGV[5]))
local payload = ARGV[8] == '' and '' or ARGV[2]
if ARGV[7] ~= '' then
  redis.call('SPUBLISH', ARGV[7], payload)
else
  local live = redis.call('HGET', meta, 'live')
  if live then
    tell(live, meta, payload)
    send()
  end
end
return 1
