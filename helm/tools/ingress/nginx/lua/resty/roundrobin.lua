-- In the place of lua-resty-balancer's, which no package has: each of the nodes in its turn.
local turns = {}
turns.__index = turns

function turns:new(nodes)
  local it = setmetatable({ turn = 0 }, self)
  it:reinit(nodes)
  return it
end

function turns:reinit(nodes)
  self.nodes, self.names = nodes, {}
  for name in pairs(nodes) do
    table.insert(self.names, name)
  end
  table.sort(self.names)
end

function turns:find()
  self.turn = self.turn % #self.names + 1
  return self.names[self.turn]
end

return turns
