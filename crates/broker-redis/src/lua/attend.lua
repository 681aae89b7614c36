-- Notes until when a gateway has subscribers of some streams, and until when any has: the second is what appends ask.
-- KEYS  of each: meta
-- ARGV  gateway, lease
-- Answers for each: nothing, or what failed.
local gateway, lease = ARGV[1], ARGV[2]

local function attend(meta)
  local found = redis.call('HMGET', meta, 'stop', 'attended')
  -- In the background nobody is asked for, and of what is cancelled or not there nothing is noted.
  if not found[1] or found[1] == 'cancelled' then return end
  local at = now()
  local latest = at + lease
  local attended = { string.format('%s=%.0f', gateway, latest) }
  for other, last in string.gmatch(found[2] or '', '(%S+)=(%d+)') do
    last = tonumber(last)
    if other ~= gateway and last > at then
      attended[#attended + 1] = string.format('%s=%.0f', other, last)
      latest = math.max(latest, last)
    end
  end
  redis.call('HSET', meta, 'stop', latest, 'attended', table.concat(attended, ' '))
end

local answers = {}
for i, meta in ipairs(KEYS) do
  -- One that cannot be read harms no other.
  local done, failed = pcall(attend, meta)
  answers[i] = done and '' or failed.err or tostring(failed)
end
return answers
