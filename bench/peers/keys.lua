-- A thousand paths in turn, so that consistent-hash has keys to spread. The requests are made beforehand.
local requests, last = {}, 0

init = function()
    for i = 1, 1000 do requests[i] = wrk.format("GET", "/" .. i) end
end

request = function()
    last = last % #requests + 1
    return requests[last]
end
