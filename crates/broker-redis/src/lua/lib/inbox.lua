-- Who follows a stream has an inbox, a channel for all the streams that it follows, and is noted in the stream's meta. What
-- a script adds to streams that the same ones follow is one message: pairs of a meta and a record, or of a meta and
-- nothing, if the record is to be read.
local messages = {}

-- Notes an inbox. Of a stream that is not there yet, this is all there is, for ttl.
local function follow(meta, live, inbox, ttl)
  if not live then
    redis.call('HSET', meta, 'live', inbox)
    if redis.call('PTTL', meta) < 0 then redis.call('PEXPIRE', meta, ttl) end
  elseif not string.find(live, inbox, 1, true) then
    redis.call('HSET', meta, 'live', live .. ' ' .. inbox)
  end
end

local function unfollow(meta, live, inbox)
  local others = {}
  for other in string.gmatch(live or '', '%S+') do
    if other ~= inbox then others[#others + 1] = other end
  end
  if #others > 0 then
    redis.call('HSET', meta, 'live', table.concat(others, ' '))
  else
    redis.call('HDEL', meta, 'live')
  end
end

local function tell(live, meta, payload)
  local message = messages[live]
  if not message then
    message = {}
    messages[live] = message
  end
  message[#message + 1] = meta
  message[#message + 1] = payload
end

-- Sends what was told, by PUBLISH, or in a cluster by SPUBLISH. An inbox that nobody reads is taken out: whoever comes back to it
-- notes it anew.
local function send(publish)
  for live, message in pairs(messages) do
    local packed = cmsgpack.pack(message)
    for inbox in string.gmatch(live, '%S+') do
      if redis.call(publish, inbox, packed) == 0 then
        for i = 1, #message, 2 do unfollow(message[i], redis.call('HGET', message[i], 'live'), inbox) end
      end
    end
  end
end
