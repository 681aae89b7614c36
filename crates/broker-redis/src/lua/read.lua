-- The records from the one that holds an event on, and whether there are more.
-- KEYS  log, meta
-- ARGV  the event's sequence number plus one, about how many bytes
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then return false end
local max = tonumber(ARGV[2])
-- A record's entry id begins with its first event, so the last one that begins at the event or before it holds it, or
-- ends before it and nothing follows yet: then the caller drops it.
local holder = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', 1)[1]
local from, count = holder and holder[1] or '-', 16
local records, bytes = {}, 0
while true do
  local entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', count)
  for _, entry in ipairs(entries) do
    -- All others are openings.
    if entry[2][1] == 'record' then
      if #records > 0 and bytes >= max then return { records, 1 } end
      records[#records + 1] = entry[2][2]
      bytes = bytes + #entry[2][2]
    end
  end
  if #entries < count then return { records, 0 } end
  from, count = '(' .. entries[#entries][1], math.min(2 * count, 256)
end
