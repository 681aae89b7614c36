-- The job of a response: in the queue, dead, or nothing.
-- KEYS  queue, known, dead
local place = redis.call('GET', KEYS[2])
if not place then return nil end
local dead = string.match(place, '^dead (.+)$')
if dead then
  local entry = redis.call('XRANGE', KEYS[3], dead, dead)[1]
  return entry and { now(), 1, describe_dead(entry), entry[2][2] }
end
-- Else it is an entry of the queue, or a word about what was one.
if not string.match(place, '^%d+%-%d+$') then return nil end
local entry = redis.call('XRANGE', KEYS[1], place, place)[1]
return entry and { now(), 0, describe(KEYS[1], entry), entry[2][2] }
