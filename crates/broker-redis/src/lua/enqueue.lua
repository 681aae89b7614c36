-- Puts a job into the queue, unless its response has had one.
-- KEYS  queue, known
-- ARGV  job, its head, how many entries the queue holds at most, ttl
return enqueue(KEYS[1], KEYS[2], unpack(ARGV))
