-- Claims jobs: those given back, then those whose claim has run out, then those that wait.
-- KEYS  queue, swept, calling
-- ARGV  consumer, max, how often to look for claims that have run out, ttl
local queue, swept, calling = KEYS[1], KEYS[2], KEYS[3]
local consumer, max = ARGV[1], tonumber(ARGV[2])
local claims = {}
ensure_queue(queue, ARGV[4])

-- Notes an entry that is the consumer's now; or takes it out, if it was only a call.
local function note(entry, attempt)
  if entry[2][1] == 'wake' then
    take_out(queue, entry[1])
    redis.call('DEL', calling)
  else
    claims[#claims + 1] = { entry[1], entry[2][2], attempt }
  end
end

-- Claims what another consumer has had for idle milliseconds.
local function take_over(other, idle)
  if #claims >= max then return end
  local pending = redis.call('XPENDING', queue, 'workers', 'IDLE', idle, '-', '+', max - #claims, other)
  for _, held in ipairs(pending) do
    local entry = redis.call('XCLAIM', queue, 'workers', consumer, 0, held[1])[1]
    if entry then note(entry, held[4] + 1) end
  end
end

take_over('released', 0)

-- Looking through all consumers is for now and then, not for every claim.
if #claims < max and redis.call('SET', swept, 1, 'NX', 'PX', ARGV[3]) then
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', queue, 'workers')) do
    local name, pending, idle = info[2], info[4], info[6]
    local lease = string.match(name, ' (%d+)$')
    if lease and pending > 0 then
      take_over(name, lease)
    elseif pending == 0 and idle > 3600000 then
      redis.call('XGROUP', 'DELCONSUMER', queue, 'workers', name)
    end
  end
  -- There may be more than were asked for: let the next one look again.
  if #claims >= max then redis.call('DEL', swept) end
end

while #claims < max do
  local streams = redis.call('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', max - #claims, 'STREAMS', queue, '>')
  if not streams then break end
  for _, entry in ipairs(streams[1][2]) do note(entry, 1) end
end

if #claims >= max and #redis.call('XPENDING', queue, 'workers', '-', '+', 1, 'released') > 0 then
  wake(queue, calling, ARGV[4])
end
return claims
