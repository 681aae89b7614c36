-- Adds records, each if it carries on where its stream stands, in the epoch that is in force.
-- KEYS  of each: log, meta
-- ARGV  ttl, the command that publishes; of each: entry id, record, tail before it without its last part, tail
--       after it, 1 if it is published and not only told of, 1 if it ends the stream
-- Answers for each: why nothing was added; or else why its owner shall stop, and nothing if it shall go on.
local ttl = tonumber(ARGV[1])

-- Why a record does not carry on.
local function refusal(tail, before, after, stop)
  if not tail then return 'gone' end
  -- A repetition: its first answer was lost.
  if tail == after then return why(stop) end
  if tail == 'ended ' .. after then return '' end
  local owned, next, ended = parse(tail)
  local epoch = string.match(before, '^%d+')
  if tonumber(epoch) < tonumber(owned) then return 'fenced' end
  if ended then return 'ended' end
  return 'gap ' .. next
end

local function append(log, meta, entry, record, before, after, published, ends)
  local found = redis.call('HMGET', meta, 'tail', 'stop', 'kept', 'live')
  local tail, stop, live = found[1], found[2], found[4]
  if not tail or string.find(tail, before, 1, true) ~= 1 then return refusal(tail, before, after, stop) end

  if not redis.call('XADD', log, 'NOMKSTREAM', entry, 'record', record) then return 'gone' end
  redis.call('HSET', meta, 'tail', ends == '' and after or 'ended ' .. after)
  prolong(log, meta, ttl, found[3])
  if published == '' then record = '' end
  if live then tell(live, meta, record) end
  return ends == '' and why(stop) or ''
end

local answers = {}
for i = 1, #KEYS / 2 do
  local at = 6 * i - 3
  -- One that cannot be read harms no other.
  local done, answer = pcall(append, KEYS[2 * i - 1], KEYS[2 * i], unpack(ARGV, at, at + 5))
  answers[i] = done and answer or 'error ' .. (answer.err or tostring(answer))
end
send(ARGV[2])
return answers
