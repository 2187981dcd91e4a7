package main
import ("os/exec"; "net/http")
func main() { exec.Command("sh", "-c", "id").Run(); http.Get("http://x") }
