-- Takes a call out of the queue: whoever was woken by it looks now.
-- KEYS  queue, calling
-- ARGV  entry
take_out(KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
