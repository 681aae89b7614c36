-- Adds records, each if its epoch is in force and it carries on where its stream stands.
-- KEYS  of each: log, meta
-- ARGV  ttl, PUBLISH; of each: entry id, record, epoch, first, its range, 1 if it ends the stream, channel, payload
-- Answers for each: why nothing was added; or else why its owner shall stop, and nothing if it shall go on.
local ttl, publish = tonumber(ARGV[1]), ARGV[2]

local function append(log, meta, entry, record, epoch, first, range, ends, channel, payload)
  local found = redis.call('HMGET', meta, 'epoch', 'tail', 'ended', 'cancelled', 'attended', 'kept')
  local owned, tail, ended = found[1], found[2], found[3]
  if not owned then return 'gone' end
  if epoch ~= owned and tonumber(epoch) < tonumber(owned) then return 'fenced' end
  -- A repetition: its first answer was lost.
  if tail == range then return stop(ended, found[4], found[5]) end
  if ended then return 'ended' end
  local next = string.match(tail, '%d+$')
  if epoch ~= owned or first ~= next then return 'gap ' .. next end

  if not redis.call('XADD', log, 'NOMKSTREAM', entry, 'record', record) then return 'gone' end
  if ends == '' then
    redis.call('HSET', meta, 'tail', range)
  else
    ended = '1'
    redis.call('HSET', meta, 'tail', range, 'ended', 1)
  end
  prolong(log, meta, ttl, found[6])
  redis.call(publish, channel, payload)
  return stop(ended, found[4], found[5])
end

local answers = {}
for i = 1, #KEYS / 2 do
  local at = 8 * i - 5
  answers[i] = append(KEYS[2 * i - 1], KEYS[2 * i], unpack(ARGV, at, at + 7))
end
return answers
