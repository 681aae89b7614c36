-- Takes a job out of the queue and keeps it for inspection.
-- KEYS  queue, known, dead
-- ARGV  entry, how long it stays known, reason, how many are kept, for how long
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return end
redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[4], '*', 'job', entry[2][2], 'reason', ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
take_out(KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], 1, 'PX', ARGV[2])
