-- Adds a record, if its epoch is in force and it carries on where the stream stands.
-- KEYS  log, meta
-- ARGV  entry id, record, epoch, first, next, 1 if it ends the stream, ttl, PUBLISH, channel, payload
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'tail', 'ended', 'cancelled', 'attended')
local epoch, tail, ended, cancelled, attended = meta[1], meta[2], meta[3], meta[4], meta[5]
if not epoch then return { 'gone' } end
if tonumber(ARGV[3]) < tonumber(epoch) then return { 'fenced' } end

local appended = ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5]
if tail == appended then
  -- A repetition: its first answer was lost.
  return { 'ok', stop(ended, cancelled, attended) }
end
if ended then return { 'ended' } end
local next = string.match(tail, '%d+$')
if ARGV[3] ~= epoch or ARGV[4] ~= next then return { 'gap', next } end

if not redis.call('XADD', KEYS[1], 'NOMKSTREAM', ARGV[1], 'record', ARGV[2]) then return { 'gone' } end
if ARGV[6] ~= '' then
  ended = '1'
  redis.call('HSET', KEYS[2], 'tail', appended, 'ended', 1)
else
  redis.call('HSET', KEYS[2], 'tail', appended)
end
prolong(KEYS[1], KEYS[2], ARGV[7])
redis.call(ARGV[8], ARGV[9], ARGV[10])
return { 'ok', stop(ended, cancelled, attended) }
