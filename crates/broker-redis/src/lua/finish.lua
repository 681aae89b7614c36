-- Takes a job out of the queue. Its response stays known for a while, so that it is not enqueued again.
-- KEYS  queue, known
-- ARGV  entry, how long it stays known
take_out(KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], 'done', 'PX', ARGV[2])
