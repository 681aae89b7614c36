-- Notes until when a gateway has subscribers of a stream, and until when any has: the second is what appends ask.
-- KEYS  meta
-- ARGV  gateway, lease
-- In the background nobody is asked for, and of what is cancelled or not there nothing is noted.
local stop = redis.call('HGET', KEYS[1], 'stop')
if not stop or stop == 'cancelled' then return end
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
redis.call('HSET', KEYS[1], 'stop', attended)
