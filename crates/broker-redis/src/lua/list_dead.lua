-- Some dead jobs, the latest first, and where to look for more.
-- KEYS  dead
-- ARGV  where to begin, how many entries to look at
local jobs, last = {}, ''
local entries = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do jobs[#jobs + 1] = describe_dead(entry) end
if #entries == tonumber(ARGV[2]) then last = '(' .. entries[#entries][1] end
return { now(), last, jobs }
