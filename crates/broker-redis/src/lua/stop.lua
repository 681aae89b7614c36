-- Why the owner of a stream shall end it.
-- KEYS  meta
local meta = redis.call('HMGET', KEYS[1], 'tail', 'stop')
if not meta[1] then return '' end
local _, _, ended = parse(meta[1])
return ended and '' or why(meta[2])
