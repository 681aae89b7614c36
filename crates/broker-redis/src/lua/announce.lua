-- Puts models into the roster.
-- KEYS  roster
-- ARGV  lease, model, model, …
local at = now()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at)
for i = 2, #ARGV do
  -- Another worker may have announced it for longer.
  redis.call('ZADD', KEYS[1], 'GT', at + ARGV[1], ARGV[i])
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
