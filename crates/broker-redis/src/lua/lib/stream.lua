
-- Why the owner of a stream shall end it; empty if it shall not.
local function stop(ended, cancelled, attended)
  if ended then return '' end
  if cancelled then return 'cancelled' end
  if attended and tonumber(attended) <= now() then return 'abandoned' end
  return ''
end

-- Lets a stream live for ttl from now, unless it is kept longer already. Nothing is written before a tenth of it has gone:
-- of a thousand appends, nearly all then cost the server, its replicas and the append-only file one thing less.
local function prolong(log, meta, ttl, kept)
  if not kept or kept - now() < ttl * 0.9 then
    redis.call('HSET', meta, 'kept', now() + ttl)
    redis.call('PEXPIRE', log, ttl)
    redis.call('PEXPIRE', meta, ttl)
  end
end
