-- Takes a job out of the queue and keeps it for inspection.
-- KEYS  queue, known, dead
-- ARGV  entry, reason, how many are kept, for how long
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return end
local claim = claim_of(KEYS[1], ARGV[1])
local dead = redis.call(
  'XADD', KEYS[3], 'MAXLEN', ARGV[3], '*', 'job', entry[2][2], 'head', entry[2][4] or '',
  'entry', ARGV[1], 'attempts', claim and claim.attempts or 0, 'reason', ARGV[2]
)
-- Each for as long as the last one: a queue in which jobs die every day would keep the first for ever.
local since = string.match(dead, '^%d+') - ARGV[4]
redis.call('XTRIM', KEYS[3], 'MINID', string.format('%.0f', since))
redis.call('PEXPIRE', KEYS[3], ARGV[4])
take_out(KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], 'dead ' .. dead, 'PX', ARGV[4])
