-- In the place of lua-resty-balancer's, which no package has: the node that scores highest with the key, so that keys stay where they are when
-- others come and go.
local scores = {}
scores.__index = scores

function scores:new(nodes)
  local it = setmetatable({}, self)
  it:reinit(nodes)
  return it
end

function scores:reinit(nodes)
  self.nodes = nodes
end

function scores:find(key)
  local best, highest
  for name in pairs(self.nodes) do
    local score = ngx.crc32_long(name .. key)
    if not highest or score > highest then
      best, highest = name, score
    end
  end
  return best
end

return scores
