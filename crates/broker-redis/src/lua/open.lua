-- Raises the epoch, in the log itself.
-- KEYS  log, meta
-- ARGV  owner, 1 if only what nobody owned may be opened, ttl
local meta = redis.call('HMGET', KEYS[2], 'header', 'tail', 'stop', 'kept')
local header, tail, stop = meta[1], meta[2], meta[3]
if not tail then return { 'gone' } end
local epoch, next, ended = parse(tail)
if ended then return { 'ended' } end
if ARGV[2] ~= '' and epoch ~= '0' then return { 'owned' } end

-- What nobody owned holds its beginning only: it comes with the answer.
local beginning = {}
if epoch == '0' then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 2)) do
    if entry[2][1] == 'record' then beginning[#beginning + 1] = entry[2][2] end
  end
end

-- An epoch must not come back, even if the server has lost the opening that had it (see docs/durability.md): the clock
-- has gone on since then.
epoch = math.max(epoch + 1, redis.call('TIME')[1])
-- Between the last record before it and the first one after it: see the entry ids in keys.rs.
local entry = string.format('%.0f-%.0f', next + 1, 2 * epoch)
if not redis.call('XADD', KEYS[1], 'NOMKSTREAM', entry, 'owner', ARGV[1]) then return { 'gone' } end
-- No record of this epoch begins anywhere yet.
redis.call('HSET', KEYS[2], 'tail', string.format('%.0f %s -', epoch, next))
prolong(KEYS[1], KEYS[2], tonumber(ARGV[3]), meta[4])
return { 'ok', epoch, next, header, why(stop), beginning }
