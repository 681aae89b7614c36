-- Lets a stream expire.
-- KEYS  log, meta
-- ARGV  after
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], 'kept', now() + ARGV[1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
