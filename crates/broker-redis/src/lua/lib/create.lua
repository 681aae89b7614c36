-- Begins a stream, unless it is there. What it begins with is told, and is to be sent. It is followed at inbox from the
-- beginning on, if that is anything.
local function create(log, meta, header, record, next, ends, ttl, grace, published, inbox)
  if inbox ~= '' then follow(meta, redis.call('HGET', meta, 'live'), inbox, ttl) end
  if redis.call('HEXISTS', meta, 'header') == 1 then return 0 end
  -- Its meta has expired just now: what is left of an older stream goes too.
  redis.call('DEL', log)
  redis.call('XADD', log, '1-1', 'record', record)
  local tail = '0 ' .. next .. ' 0'
  redis.call('HSET', meta, 'header', header, 'tail', ends == '' and tail or 'ended ' .. tail)
  if grace ~= '' then
    -- The grace is the attendance of a gateway without a name.
    local attended = now() + grace
    redis.call('HSET', meta, 'stop', attended, 'attended', string.format('-=%.0f', attended))
  end
  prolong(log, meta, tonumber(ttl))
  if published == '' then record = '' end
  local live = redis.call('HGET', meta, 'live')
  if live then tell(live, meta, record) end
  return 1
end
