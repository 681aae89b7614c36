-- Adds to a counter, and returns what it comes to. To add nothing is to look, and makes no counter.
-- KEYS  counter
-- ARGV  amount, time to live
if ARGV[1] == '0' then return tonumber(redis.call('GET', KEYS[1]) or 0) end
local sum = redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return sum
