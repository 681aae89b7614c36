-- Notes until when a gateway has subscribers of a stream, and until when any has: the second is what appends ask.
-- KEYS  meta
-- ARGV  gateway, lease
-- In the background nobody is asked for, and of what is not there nothing is noted.
if redis.call('HEXISTS', KEYS[1], 'attended') == 0 then return end
local at = now()
local attended = at + ARGV[2]
redis.call('HSET', KEYS[1], 'gateway:' .. ARGV[1], attended)
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 8) == 'gateway:' then
    local other = tonumber(fields[i + 1])
    if other > attended then attended = other end
    if other <= at then redis.call('HDEL', KEYS[1], fields[i]) end
  end
end
redis.call('HSET', KEYS[1], 'attended', attended)
