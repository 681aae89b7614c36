-- Lets a stream expire.
-- KEYS  log, meta
-- ARGV  after
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
