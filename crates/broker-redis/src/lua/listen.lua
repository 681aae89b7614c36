-- Notes where streams are followed, or no longer are.
-- KEYS  of each: meta
-- ARGV  inbox, ttl; of each: 1 if they are
-- Answers which of them failed, and how.
local inbox, failed = ARGV[1], {}
for i, meta in ipairs(KEYS) do
  local done, error = pcall(function()
    local live = redis.call('HGET', meta, 'live')
    if ARGV[i + 2] == '' then
      if live then unfollow(meta, live, inbox) end
    else
      follow(meta, live, inbox, ARGV[2])
    end
  end)
  if not done then failed[#failed + 1] = { i - 1, error.err or tostring(error) } end
end
return failed
