-- Some jobs of the queue, in its order, and where to look for more.
-- KEYS  queue
-- ARGV  where to begin, how many entries to look at
if redis.call('EXISTS', KEYS[1]) == 0 then return { now(), '', {} } end
local jobs, last = {}, ''
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
  if entry[2][1] == 'job' then jobs[#jobs + 1] = describe(KEYS[1], entry) end
end
if #entries == tonumber(ARGV[2]) then last = '(' .. entries[#entries][1] end
return { now(), last, jobs }
